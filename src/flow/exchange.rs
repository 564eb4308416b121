//! Token exchange (RFC 8693): a person's token for one that another service takes, tied to the same
//! grant, so that it ends with it.

use std::sync::Arc;

use super::access::{Made, access, can_sign};
use super::presented;
use super::status;
use super::subject;
use super::token::{Asker, Error, Tokens, person};
use crate::app::{App, Standing};
use crate::oauth::binding;
use crate::oauth::claims::{BOUNDS, Subject};
use crate::oauth::error::{Code, Problem};
use crate::oauth::exchange::{Brought, judge};
use crate::oauth::token::Exchange;
use crate::store;

/// Trades a token.
///
/// # Errors
/// [`Error`].
pub(super) async fn exchange(app: &Arc<App>, asker: Asker) -> Result<Tokens, Error> {
    let Exchange::Trade(ask) = &asker.ask else {
        return Err(Problem::new(Code::InvalidRequest, "this is no exchange of a token").into());
    };
    // RFC 8693 2.2.2
    let bad = || {
        Problem::new(
            Code::InvalidRequest,
            "subject_token is unknown, has run out, or was ended",
        )
    };
    let now = app.clock.now();
    let good = presented::read(app, &ask.subject_token, now).ok_or_else(bad)?;
    let services = &asker.registered.services;
    // The audience, and that its own key signed it.
    let from = services
        .iter()
        .find(|service| presented::signed_for(&good, service));
    if from.is_none() && !presented::is_our_own(app, &good) {
        return Err(bad().into());
    }
    // A machine's token has no grant, and nothing that could be passed on.
    let standing = presented::standing(app, &good, from, now).await?;
    let (Standing { grant, account, .. }, owner) = standing.ok_or_else(bad)?;
    let scopes = good.scopes();
    let bound = good.binding().map_err(store::Error::from)?;
    let brought = Brought {
        client_id: good.text("client_id"),
        service: from,
        scopes: &scopes,
        binding: bound.as_ref(),
        act: good.claims.get("act"),
        bounds: good.claims.get(BOUNDS),
        expires_at: good.time("exp"),
    };
    let given = judge(ask, &brought, &grant, &asker.client, &asker.held, services)?;
    let binding = binding::access(&asker.client, Some(given.service), &asker.held)?;
    let mut service = given.service.clone();
    subject::hide(&asker.client, &mut service)?;
    can_sign(app, Some(&service), now)?;
    let left = given.expires_at.since(now);
    let ttl = app.config.tokens.access_ttl.min(left);
    let person = person(&account);
    let place = if given.service.offers.status_list {
        let (house, service, of) = (app.clone(), given.service.clone(), grant.clone());
        let (by, drawn) = (asker.client.clone(), asker.drawn.clone());
        let registered = asker.registered.clone();
        let take = move |c: &mut store::Conn<'_>| {
            // What the grant stands for is what the app that it was given to may have.
            status::hold(c, &registered.services, &owner)?;
            // What the operator takes from the one that it is given to ends what has its place.
            store::client::hold_as_read(c, &by)?;
            status::take(c, &house, Some(&service), &of, Some(&by), &drawn, now)
        };
        app.store.write(take).await?
    } else {
        None
    };
    let made = Made {
        subject: Subject::Person(&person, &grant),
        client_id: &asker.client.id,
        service: Some(&service),
        scopes: &given.scopes,
        binding: binding.as_ref(),
        act: Some(&given.act),
        bounds: given.bounds.as_ref(),
        place,
        ttl,
    };
    let access_token = access(app, &made, now)?;
    tracing::info!(
        user = account.username,
        client = asker.client.id,
        service = given.service.id,
        grant = "token-exchange",
        "token.issued"
    );
    Ok(Tokens::traded(access_token, &made))
}
