//! What `client edit` is to take away must be there: a word that was mistyped removes nothing, and
//! nobody would know.

use super::super::fault::Fault;
use super::{Edit, scopes};
use crate::oauth::client::{Client, GrantType};

/// Whether what is to be removed is there: an address that was mistyped removes nothing.
pub fn removable(old: &Client, edit: &Edit) -> Result<(), Fault> {
    let show = format!("gerege client show {}", old.id);
    let typed_scopes = scopes(&edit.id, &edit.remove_scope)?;
    let name = |grant: &GrantType| grant.name().to_owned();
    let grants: Vec<String> = old.grants.iter().map(name).collect();
    let typed: Vec<String> = edit.remove_grant.iter().map(name).collect();
    for (what, has, typed) in [
        ("address", &old.redirects, &edit.remove_redirect),
        (
            "address after signing out",
            &old.post_logout,
            &edit.remove_post_logout_redirect,
        ),
        ("scope", &old.scopes, &typed_scopes),
        ("grant", &grants, &typed),
        ("type", &old.asking.details, &edit.remove_detail_type),
        ("service", &old.exchange, &edit.remove_exchange),
    ] {
        all_there(&old.id, what, has, typed, &show)?;
    }
    Ok(())
}

/// Refuses to remove what is not there.
///
/// # Errors
/// Names the first such word.
pub fn all_there(
    id: &str,
    what: &str,
    has: &[String],
    typed: &[String],
    show: &str,
) -> Result<(), Fault> {
    let Some(none) = typed.iter().find(|one| !has.contains(one)) else {
        return Ok(());
    };
    Err(Fault::new(
        format!("{id} was not changed"),
        match has {
            [] => format!("it has no {what} that could be removed"),
            has => format!("it has no {what} {none}; it has {}", has.join(", ")),
        },
        show,
    ))
}
