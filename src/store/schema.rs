//! The tables as diesel knows them; the migrations are the other half.

#![allow(missing_docs)] // diesel writes these modules

diesel::table! {
    setting (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    account (id) {
        id -> Text,
        username -> Text,
        skeleton -> Text,
        name -> Text,
        email -> Text,
        email_key -> Text,
        password -> Text,
        language -> Text,
        created_at -> BigInt,
        password_at -> BigInt,
        locked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    retired_name (mac) {
        mac -> Text,
        retired_at -> BigInt,
    }
}

diesel::table! {
    draft (id) {
        id -> Text,
        cookie_hash -> Text,
        email_key -> Text,
        skeleton -> Text,
        body -> Text,
        held_until -> Nullable<BigInt>,
        waiting_at -> Nullable<BigInt>,
        expires_at -> BigInt,
    }
}

diesel::table! {
    browser (id) {
        id -> Text,
        secret_hash -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
        former_hash -> Nullable<Text>,
        former_salt -> Nullable<Text>,
        former_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    session (id) {
        id -> Text,
        browser_id -> Text,
        account_id -> Text,
        auth_time -> BigInt,
        amr -> Text,
        keep -> Bool,
        agent -> Text,
        network -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
        ends_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        terms_later -> Bool,
    }
}

diesel::table! {
    device (account_id, secret_hash) {
        account_id -> Text,
        secret_hash -> Text,
        wrong -> BigInt,
        created_at -> BigInt,
        seen_at -> BigInt,
    }
}

diesel::table! {
    request (id) {
        id -> Text,
        browser_id -> Text,
        client_id -> Text,
        body -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        answered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    pushed (hash) {
        hash -> Text,
        client_id -> Text,
        body -> Text,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    client (id) {
        id -> Text,
        body -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    service (id) {
        id -> Text,
        audience -> Text,
        body -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    grant (id) {
        id -> Text,
        account_id -> Text,
        client_id -> Text,
        sid -> Text,
        offline -> Bool,
        body -> Text,
        created_at -> BigInt,
        ends_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        managed -> Nullable<Text>,
    }
}

diesel::table! {
    code (hash) {
        hash -> Text,
        grant_id -> Text,
        redirect_uri -> Text,
        challenge -> Nullable<Text>,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
        wrong -> BigInt,
    }
}

diesel::table! {
    family (grant_id) {
        grant_id -> Text,
        hash -> Text,
        generation -> BigInt,
        created_at -> BigInt,
        used_at -> BigInt,
        used -> Text,
        idle_until -> BigInt,
        ends_at -> BigInt,
        binding -> Nullable<Text>,
    }
}

diesel::table! {
    pending (hash) {
        hash -> Text,
        user_code -> Nullable<Text>,
        client_id -> Text,
        body -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        pause -> BigInt,
        next_at -> BigInt,
        grant_id -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        used_at -> Nullable<BigInt>,
        account_id -> Nullable<Text>,
        ping -> Nullable<Text>,
        ping_at -> Nullable<BigInt>,
        ping_tries -> BigInt,
        ping_said -> Nullable<Text>,
        pinged_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    status (service_id, list, idx) {
        service_id -> Text,
        list -> BigInt,
        idx -> BigInt,
        grant_id -> Text,
        ends_at -> BigInt,
        client_id -> Nullable<Text>,
    }
}

diesel::table! {
    consent (account_id, client_id) {
        account_id -> Text,
        client_id -> Text,
        scopes -> Text,
        granted_at -> BigInt,
    }
}

diesel::table! {
    signing_key (kid) {
        kid -> Text,
        owner -> Text,
        algorithm -> Text,
        public_jwk -> Text,
        private_wrapped -> Text,
        slot -> Text,
        created_at -> BigInt,
        active_at -> BigInt,
        retired_at -> Nullable<BigInt>,
        gone_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    outbox (id) {
        id -> Text,
        kind -> Text,
        recipient -> Text,
        body -> Text,
        draft_id -> Nullable<Text>,
        created_at -> BigInt,
        due_at -> BigInt,
        secret_ends_at -> Nullable<BigInt>,
        tries -> BigInt,
        sent_at -> Nullable<BigInt>,
        failed_at -> Nullable<BigInt>,
        said -> Nullable<Text>,
        leased_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    terms (document, version, language) {
        document -> Text,
        version -> BigInt,
        language -> Text,
        body -> Text,
        sha256 -> Text,
        published_at -> BigInt,
    }
}

diesel::table! {
    acceptance (account_id, document, version) {
        account_id -> Text,
        document -> Text,
        version -> BigInt,
        language -> Text,
        sha256 -> Text,
        accepted_at -> BigInt,
    }
}

diesel::table! {
    reset (id) {
        id -> Text,
        account_id -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    counter (key) {
        key -> Text,
        count -> BigInt,
        blocked_until -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    seen (key) {
        key -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    event (id) {
        id -> Text,
        account_id -> Text,
        at -> BigInt,
        kind -> Text,
        detail -> Text,
    }
}

diesel::table! {
    address_change (account_id) {
        account_id -> Text,
        id -> Text,
        email -> Text,
        wrong -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    session_client (sid, client_id) {
        sid -> Text,
        client_id -> Text,
    }
}

diesel::table! {
    logout (sid, client_id) {
        sid -> Text,
        client_id -> Text,
        account_id -> Text,
        created_at -> BigInt,
        due_at -> BigInt,
        ends_at -> BigInt,
        tries -> BigInt,
        sent_at -> Nullable<BigInt>,
        failed_at -> Nullable<BigInt>,
        said -> Nullable<Text>,
    }
}

diesel::table! {
    registered (client_id) {
        client_id -> Text,
        token_hash -> Nullable<Text>,
        created_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    registration_token (hash) {
        hash -> Text,
        note -> Text,
        uses_left -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}
diesel::allow_tables_to_appear_in_same_query!(account, acceptance);
diesel::allow_tables_to_appear_in_same_query!(browser, session);
diesel::allow_tables_to_appear_in_same_query!(code, grant);
diesel::allow_tables_to_appear_in_same_query!(family, grant);
diesel::allow_tables_to_appear_in_same_query!(status, grant);
diesel::allow_tables_to_appear_in_same_query!(session, session_client);
diesel::allow_tables_to_appear_in_same_query!(client, registered, consent, grant);
diesel::allow_tables_to_appear_in_same_query!(registered, logout);
