//! Each standard beyond a code with PKCE has one file of rules, which names its sections at the
//! lines, one page for people, and what the document says of it.

use std::collections::BTreeSet;
use std::path::Path;

use gerege::oauth::metadata::discovery;

use super::TRIES;

/// A standard by the words that name it in its file and on its page.
struct Standard {
    name: &'static str,
    /// Below `src/oauth`.
    file: &'static str,
    /// Below `docs/standards`.
    page: &'static str,
    /// The members that it adds to the document, or `member value` where it adds a value.
    told: &'static [&'static str],
    /// Items of the file that are our own: no section speaks of them.
    own: &'static [&'static str],
}

const fn standard(
    name: &'static str,
    file: &'static str,
    page: &'static str,
    told: &'static [&'static str],
    own: &'static [&'static str],
) -> Standard {
    Standard {
        name,
        file,
        page,
        told,
        own,
    }
}

#[rustfmt::skip]
const STANDARDS: [Standard; 27] = [
    standard("RFC 9126", "pushed", "par", &[
        "pushed_authorization_request_endpoint", "require_pushed_authorization_requests",
    ], &[]),
    standard("RFC 9101", "request_object", "jar", &[
        "request_parameter_supported", "request_uri_parameter_supported",
        "require_request_uri_registration", "request_object_signing_alg_values_supported",
    ], &[]),
    standard("JARM", "jarm", "jarm", &[
        "authorization_signing_alg_values_supported", "response_modes_supported jwt",
        "response_modes_supported query.jwt", "response_modes_supported fragment.jwt",
        "response_modes_supported form_post.jwt",
    ], &["with"]),
    standard("RFC 9449", "dpop", "dpop", &["dpop_signing_alg_values_supported"], &[]),
    standard("RFC 8705", "certificate", "mtls", &[
        "tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases",
    ], &["bounded"]),
    standard("RFC 8628", "device", "device", &[
        "device_authorization_endpoint",
        "grant_types_supported urn:ietf:params:oauth:grant-type:device_code",
    ], &[]),
    standard("RFC 8693", "exchange", "token-exchange", &[
        "grant_types_supported urn:ietf:params:oauth:grant-type:token-exchange",
    ], &[]),
    standard("CIBA", "ciba", "ciba", &[
        "backchannel_authentication_endpoint", "backchannel_token_delivery_modes_supported",
        "backchannel_authentication_request_signing_alg_values_supported",
        "backchannel_user_code_parameter_supported",
        "grant_types_supported urn:openid:params:grant-type:ciba",
    ], &[]),
    // It has no metadata.
    standard("RFC 8707", "audience", "resource-indicators", &[], &[]),
    standard("RFC 9396", "details", "rar", &["authorization_details_types_supported"], &[
        "MAX_TYPE", "Line", "is_empty", "and", "lines",
    ]),
    standard("RFC 7523", "assertion", "private-key-jwt", &[
        "token_endpoint_auth_methods_supported private_key_jwt",
        "revocation_endpoint_auth_methods_supported private_key_jwt",
        "token_endpoint_auth_signing_alg_values_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
    ], &[]),
    standard("RFC 7591", "register", "registration", &["registration_endpoint"], &[]),
    // Its address is told in the answer to a registration.
    standard("RFC 7592", "register", "registration", &[], &[]),
    standard("Client ID Metadata Documents", "document", "client-id-metadata-documents", &[
        "client_id_metadata_document_supported",
    ], &[]),
    standard("RFC 9207", "iss", "iss", &["authorization_response_iss_parameter_supported"], &[]),
    // It has no metadata.
    standard("RFC 9068", "access_token", "access-tokens", &[], &[]),
    standard("RFC 9701", "introspection", "signed-introspection", &[
        "introspection_signing_alg_values_supported",
    ], &[]),
    standard("RFC 9470", "step_up", "step-up", &["acr_values_supported"], &[]),
    standard("OpenID Connect Core 5.5", "claims_request", "claims", &["claims_parameter_supported"], &[]),
    standard("OpenID Connect Core 8", "subject", "pairwise", &[
        "subject_types_supported pairwise",
    ], &[]),
    standard("prompt=create", "prompt", "prompt-create", &["prompt_values_supported create"], &[]),
    standard("Native SSO", "sso", "native-sso", &["native_sso_supported"], &["family"]),
    standard("Back-Channel Logout 1.0", "backchannel", "backchannel-logout", &[
        "backchannel_logout_supported", "backchannel_logout_session_supported",
    ], &["again"]),
    // It has no metadata.
    standard("CORS", "cors", "cors", &[], &[]),
    standard("RFC 9728", "resource", "protected-resource", &["protected_resources"], &[]),
    // Each token names its list.
    standard("Token Status List", "status", "status-list", &[], &["LAST", "LISTS", "AFTER"]),
    standard("Grant Management", "management", "grant-management", &[
        "grant_management_endpoint", "grant_management_actions_supported",
        "grant_management_action_required", "scopes_supported grant_management_query",
        "scopes_supported grant_management_revoke",
    ], &[]),
];

/// What the document says by RFC 8414 and OpenID Connect Discovery alone, and by the standards that
/// they build on.
const PLAIN: [&str; 24] = [
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "end_session_endpoint",
    "jwks_uri",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "subject_types_supported",
    "scopes_supported",
    "claims_supported",
    "claim_types_supported",
    "id_token_signing_alg_values_supported",
    "userinfo_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_methods_supported",
    "code_challenge_methods_supported",
    "prompt_values_supported",
    "display_values_supported",
    "ui_locales_supported",
];

fn read(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// What a file says that it is.
fn head(code: &str) -> String {
    code.lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| line.trim_start_matches("//!"))
        .collect()
}

#[test]
fn every_standard_has_its_file_its_page_and_its_place_in_the_document() {
    let list = read("docs/standards/README.md");
    let mut wrong = Vec::new();
    for one in &STANDARDS {
        let name = one.name.to_lowercase();
        let page = read(&format!("docs/standards/{}.md", one.page));
        let code = read(&format!("src/oauth/{}.rs", one.file));
        for (what, text) in [("page", &page), ("file's head", &head(&code))] {
            if !text.to_lowercase().contains(&name) {
                wrong.push(format!("{}: not named by its {what}", one.name));
            }
        }
        if !list.contains(&format!("]({}.md)", one.page)) {
            wrong.push(format!("{}: its page is not in the list", one.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// CONTRIBUTING: a rule of a protocol carries its source at the line.
#[test]
fn every_item_of_a_standards_file_names_its_section() {
    let mut wrong = Vec::new();
    for one in &STANDARDS {
        let code = read(&format!("src/oauth/{}.rs", one.file));
        let numbers = head(&code)
            .to_lowercase()
            .contains("section numbers are its own");
        let items = items(&code);
        assert!(!items.is_empty(), "{}", one.file);
        for (name, text) in &items {
            let known = one.own.contains(&name.as_str());
            if names_section(text, numbers) == known {
                let what = ["names no section", "names a section now"][usize::from(known)];
                wrong.push(format!("src/oauth/{}.rs: {name} {what}", one.file));
            }
        }
        for own in one.own {
            if !items.iter().any(|(name, _)| name == own) {
                wrong.push(format!("src/oauth/{}.rs: {own} is not there", one.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A member that nobody adds, or that two do, is one that nobody thought of.
#[test]
fn every_member_of_the_document_comes_from_one_standard() {
    let document = discovery("https://steppe.example", &[], &[]);
    let mut from: Vec<&str> = PLAIN.to_vec();
    for told in STANDARDS.iter().flat_map(|one| one.told) {
        match told.split_once(' ') {
            None => from.push(told),
            Some((member, value)) => {
                let list = document[member].as_array().expect("a list");
                assert!(list.iter().any(|one| one == value), "{told}");
            }
        }
    }
    let once: BTreeSet<&str> = from.iter().copied().collect();
    assert_eq!(once.len(), from.len(), "each once");
    let tried: BTreeSet<&str> = TRIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(once, tried);
}

/// The public items of a file, each with its comment and its body; tests are left out.
fn items(code: &str) -> Vec<(String, String)> {
    let code = code.split("\n#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = item(line) else { continue };
        let above = lines[..at]
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with(['/', '#']))
            .count();
        let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        let below = match line.ends_with(';') {
            true => 0,
            false => lines[at..]
                .iter()
                .take_while(|line| **line != end && !line.ends_with("];"))
                .count(),
        };
        let text: Vec<&str> = lines[at - above..=at + below]
            .iter()
            .map(|line| line.trim_start().trim_start_matches('/').trim())
            .collect();
        found.push((name.to_owned(), text.join(" ")));
    }
    found
}

/// The name of what a line begins, if that is a public item.
fn item(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    let rest = rest
        .strip_prefix("pub ")
        .or_else(|| rest.strip_prefix("pub(super) "))?;
    let rest = rest
        .strip_prefix("const fn ")
        .or_else(|| rest.strip_prefix("fn "))
        .or_else(|| rest.strip_prefix("const "))
        .or_else(|| rest.strip_prefix("struct "))
        .or_else(|| rest.strip_prefix("enum "))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// `RFC 6749 4.1.3`, `JARM 2.3`, `Registration 1.0, 2`; where a file's numbers are all of one
/// standard, `(4.1)` as well.
fn names_section(text: &str, numbers: bool) -> bool {
    const WORKS: [&str; 9] = [
        "JARM",
        "CIBA",
        "SSO",
        "Core",
        "Discovery",
        "Registration",
        "Management",
        "List",
        "Logout",
    ];
    let section = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
        let letters = word.len() - digits.len();
        let digits = digits.trim_start_matches('.');
        letters < 2
            && digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let bare = |word: &str| word.trim_start_matches(['(', '"']).to_owned();
    let by_name = words.windows(3).any(|three| {
        let work = bare(three[0]);
        let follows =
            section(three[2]) && (section(three[1]) && !three[1].ends_with([')', ':', ';']));
        work == "RFC" && follows
            || WORKS.contains(&work.as_str()) && (three[1] == "1.0," && section(three[2]))
    });
    let short = words.windows(2).any(|two| {
        WORKS.contains(&bare(two[0]).as_str()) && section(two[1]) && !two[1].starts_with("1.0")
    });
    let numbered = numbers
        && words.iter().enumerate().any(|(at, word)| {
            let opened = word.starts_with('(') && section(word);
            let named = *word == "in" && words.get(at + 1).is_some_and(|next| section(next));
            opened || named
        });
    by_name || short || numbered
}

#[test]
fn a_section_is_told_from_other_numbers() {
    for (text, numbers, named) in [
        ("As RFC 6749 4.1.3 says", false, true),
        ("(RFC 3986 A)", false, false),
        ("(RFC 7517 B.1)", false, true),
        ("RFC 6749 alone", false, false),
        ("RFC 6749: 5 of them", false, false),
        ("(JARM 2.3)", false, true),
        ("Registration 1.0, 2", false, true),
        ("Back-Channel Logout 1.0 and 2", false, false),
        ("OpenID Connect Core 5.5.1.1,", false, true),
        ("PROTOCOL.md 3", false, false),
        ("never (2.4)", false, false),
        ("never (2.4)", true, true),
        ("more than 20 of them", true, false),
    ] {
        assert_eq!(names_section(text, numbers), named, "{text}");
    }
}
