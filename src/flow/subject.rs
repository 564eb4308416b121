//! The `sub` of a person and the `sid` of a session, computed for whoever reads it (OpenID Connect Core 8.1; PROTOCOL 1).

use crate::account::Account;
use crate::app::App;
use crate::keys::Purpose;
use crate::oauth::claims::Person;
use crate::oauth::client::Client;
use crate::oauth::error::{Code, Problem};
use crate::oauth::grant::Grant;
use crate::oauth::service::{Service, TokenFormat};
use crate::oauth::subject::pairwise;
use crate::rng::derived_id;

/// What a client sees as the `sub` of an account. A pairwise one looks like any other.
pub fn of(app: &App, client: &Client, account_id: &str) -> String {
    let Some(sector) = pairwise(client) else {
        return account_id.to_owned();
    };
    let parts = [
        b"pairwise".as_slice(),
        sector.as_bytes(),
        account_id.as_bytes(),
    ];
    derived(app, parts)
}

/// What a client sees as the `sid` of a session: with a pairwise `sub`, one of its own sector's
/// too, or two apps could compare sessions instead of people.
pub fn sid(app: &App, client: &Client, sid: &str) -> String {
    match pairwise(client) {
        None => sid.to_owned(),
        Some(sector) => derived(
            app,
            [b"session".as_slice(), sector.as_bytes(), sid.as_bytes()],
        ),
    }
}

/// A grant as its client sees it.
pub fn grant(app: &App, client: &Client, grant: &Grant) -> Grant {
    Grant {
        sid: sid(app, client, &grant.sid),
        ..grant.clone()
    }
}

/// A grant as an access token tells of it that its client can read: nothing there needs the
/// session of one that sees a `sub` of its own.
pub fn bare(client: &Client, grant: &Grant) -> Grant {
    let mut bare = grant.clone();
    if pairwise(client).is_some() {
        bare.sid.clear();
    }
    bare
}

fn derived(app: &App, parts: [&[u8]; 3]) -> String {
    let mac = app.keys.master().mac(Purpose::Subject, &parts);
    let mut half = [0; 16];
    half.copy_from_slice(&mac[..16]);
    derived_id(half)
}

/// A person as a client sees them.
pub fn person(app: &App, client: &Client, account: &Account) -> Person {
    Person {
        sub: of(app, client, &account.id),
        ..super::token::person(account)
    }
}

/// Fits a service to a client that is given a token for it: one that sees a `sub` of its own gets
/// no readable token with the public one (PROTOCOL 1), so its token is sealed.
///
/// # Errors
/// `invalid_target` where the service could not open it.
pub fn hide(client: &Client, service: &mut Service) -> Result<(), Problem> {
    if pairwise(client).is_none() {
        return Ok(());
    }
    if service.secret_hash.is_none() {
        return Err(Problem::new(
            Code::InvalidTarget,
            "this client sees a sub of its own, and this service reads only tokens that show the public one",
        )
        .mend(format!("gerege service edit {} --new-secret", service.id)));
    }
    service.format = TokenFormat::Opaque;
    Ok(())
}

/// Which account a client means by a `sub`, as far as one of these is it. Another's id may be told
/// as it stands to a client that sees the public one; to all others a `sub` that is not their own
/// is nobody's, or they could find out whose public one it is.
pub fn meant<'a>(
    app: &App,
    client: &Client,
    sub: &str,
    accounts: impl IntoIterator<Item = &'a Account>,
) -> String {
    match pairwise(client) {
        None => sub.to_owned(),
        Some(_) => accounts
            .into_iter()
            .find(|account| of(app, client, &account.id) == sub)
            .map(|account| account.id.clone())
            .unwrap_or_default(),
    }
}
