//! The pages between a request and its code: which account, "Continue as", newer agreements,
//! consent. Each is bound to one request in one browser.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Query;
use serde::Deserialize;

use crate::account::Account;
use crate::clock::Time;
use crate::flow::authorize::{self, Scene};
use crate::flow::request::Marks;
use crate::flow::{client, shown, signin};
use crate::oauth::client::Client;
use crate::oauth::registration::Origin;
use crate::page::view::{Ability, Choice, Choose, Consent, ContinueAs, Row};
use crate::page::{App as Chip, Asked, Opens, Shell};
use crate::web::fault::Fault;
use crate::web::form::Form;
use crate::web::visit::Visit;

/// `?request=…`
#[derive(Deserialize)]
pub struct Asking {
    pub(super) request: String,
}

impl Asking {
    pub(super) fn back(&self, visit: &Visit) -> HttpResponse {
        visit.see_other(&format!("/oauth2/authorize/{}", self.request))
    }
}

pub(super) fn gone(visit: &Visit) -> Result<HttpResponse, Fault> {
    visit.fault(StatusCode::BAD_REQUEST, "request-old", 0)
}

pub(super) async fn scene(visit: &Visit, asking: &Asking) -> Result<Option<Scene>, Fault> {
    let found = authorize::scene(&visit.app, &asking.request, visit.cookie()).await?;
    Ok(found.and_then(Result::ok))
}

fn chip(scene: &Scene) -> Chip {
    Chip {
        name: scene.client.name.clone(),
        host: host(scene),
    }
}

/// Where the app lives; nothing for one on this device.
fn host(scene: &Scene) -> String {
    match scene.checked.redirect.kind() {
        _ if scene.stored.device.is_some() => String::new(),
        crate::oauth::redirect::Kind::Https => scene.checked.redirect.host().to_owned(),
        _ => String::new(),
    }
}

pub(super) fn shell(visit: &Visit, scene: &Scene) -> Shell {
    Shell {
        app: Some(chip(scene)),
        ..visit.shell()
    }
}

/// Notes what was done and goes back to the decision.
async fn mark(
    visit: &Visit,
    asking: &Asking,
    scene: &Scene,
    done: impl Fn(&mut Marks) + Send + 'static,
) -> Result<HttpResponse, Fault> {
    // Where it is answered by now, the decision knows how.
    authorize::mark(&visit.app, scene, visit.now, done).await?;
    Ok(asking.back(visit))
}

/// Notes "Do not allow", or "This is not mine", and goes back to the decision.
pub(super) async fn decline(
    visit: &Visit,
    asking: &Asking,
    scene: &Scene,
) -> Result<HttpResponse, Fault> {
    mark(visit, asking, scene, |marks| marks.declined = true).await
}

/// Notes "Allow" to scopes, by a person, on a page that showed what `shown` stands for.
pub(super) async fn allow(
    visit: &Visit,
    asking: &Asking,
    scene: &Scene,
    allowed: (String, Vec<String>),
    shown: String,
) -> Result<HttpResponse, Fault> {
    mark(visit, asking, scene, move |marks| {
        marks.allowed = Some(allowed.clone());
        marks.shown = Some(shown.clone());
    })
    .await
}

/// S2: which of the accounts in this browser.
///
/// # Errors
/// [`Fault`].
pub async fn choose(visit: Visit, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let Some(scene) = scene(&visit, &asking).await? else {
        return gone(&visit);
    };
    let choices = scene
        .here
        .signed_in
        .iter()
        .map(|(_, account)| Choice {
            id: account.id.clone(),
            person: visit.person(account),
            signed_in: true,
        })
        .collect();
    visit.page(&shell(&visit, &scene), &Choose { choices })
}

/// "Continue as": one account, one click.
///
/// # Errors
/// [`Fault`].
pub async fn continue_as(visit: Visit, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let Some(scene) = scene(&visit, &asking).await? else {
        return gone(&visit);
    };
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(&visit));
    };
    let view = ContinueAs {
        id: account.id.clone(),
        person: visit.person(&account),
        unchecked_since: unchecked_since(&scene),
        document: document(&scene.client),
    };
    visit.page(&shell(&visit, &scene), &view)
}

/// When an app was added that nobody here has looked at.
fn unchecked_since(scene: &Scene) -> Option<Time> {
    let since = scene.client.created_at;
    scene.client.is_unchecked().then_some(since)
}

/// The host of the document at an app's `client_id`, which stands behind all that it says of
/// itself, wherever it is answered.
pub(super) fn document(client: &Client) -> Option<String> {
    if client.registration.origin != Origin::Document {
        return None;
    }
    let address = url::Url::parse(&client.id).ok()?;
    address.host_str().map(str::to_owned)
}

/// A button of either page: an account, another one, or one to take off the list.
///
/// # Errors
/// [`Fault`].
pub async fn chosen(form: Form, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let Some(scene) = scene(visit, &asking).await? else {
        return gone(visit);
    };
    if form.has("other") {
        return Ok(visit.see_other(&format!("/signin?request={}", asking.request)));
    }
    if let Some((session, _)) = scene.here.of(form.text("remove")) {
        let sids = [session.sid.clone()];
        signin::end(&visit.app, &sids, &visit.visitor(), visit.now).await?;
        return Ok(asking.back(visit));
    }
    let Some((_, account)) = scene.here.of(form.text("account")) else {
        return Ok(asking.back(visit));
    };
    let id = account.id.clone();
    mark(visit, &asking, &scene, move |marks| {
        marks.chosen = Some(id.clone());
        marks.confirmed = Some(id.clone());
    })
    .await
}

/// What the app will and will not be able to do, in plain lines.
pub(super) async fn ability(
    visit: &Visit,
    scene: &Scene,
    account: &Account,
) -> Result<(Vec<Ability>, Vec<String>), Fault> {
    let registered = client::registered(&visit.app).await?;
    let by_scope = Opens::all(&registered.services);
    let asked = scene.checked.asked();
    let optional: Vec<String> = asked
        .iter()
        .filter(|name| scene.checked.may_leave_out(name))
        .cloned()
        .collect();
    let person = visit.person(account);
    let days = visit.app.config.tokens.refresh_ttl.as_secs() / 86_400;
    let (mut can, cannot) = visit.app.page.abilities(
        &visit.lang,
        &Asked {
            scopes: &asked,
            optional: &optional,
            services: &by_scope,
            name: &person.name,
            address: &person.address,
            email: &account.email,
            days: u32::try_from(days).unwrap_or(u32::MAX),
        },
    );
    for line in scene.checked.details.lines(&registered.services) {
        let known = registered
            .services
            .iter()
            .find(|one| one.id == line.service);
        let server = known.map_or(line.service.clone(), |one| one.name.clone());
        let args = [("server", server), ("type", line.kind)];
        can.push(Ability {
            text: visit.app.page.text(&visit.lang, "scope-detail", &args),
            rows: (line.says.into_iter())
                .map(|(name, value)| Row { name, value })
                .collect(),
            ..Ability::default()
        });
    }
    Ok((can, cannot))
}

/// C1: what the app asks for, before it gets it.
///
/// # Errors
/// [`Fault`].
pub async fn consent(visit: Visit, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let Some(scene) = scene(&visit, &asking).await? else {
        return gone(&visit);
    };
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(&visit));
    };
    ask(&visit, &asking, &scene, &account, false).await
}

async fn ask(
    visit: &Visit,
    asking: &Asking,
    scene: &Scene,
    account: &Account,
    changed: bool,
) -> Result<HttpResponse, Fault> {
    let (can, cannot) = ability(visit, scene, account).await?;
    let person = visit.person(account);
    let on_file = &scene.client.registration;
    let view = Consent {
        app: chip(scene),
        person,
        can,
        cannot,
        privacy: on_file.policy_uri.clone(),
        terms: on_file.tos_uri.clone(),
        home: on_file.client_uri.clone(),
        logo: on_file.logo_uri.clone(),
        unchecked_since: unchecked_since(scene),
        document: document(&scene.client),
        changed,
        shown: shown::digest_of(scene, &account.id),
        not_you: format!("/signin/choose?request={}", asking.request),
    };
    let status = if changed {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    visit.page_with(status, &shell(visit, scene), &view)
}

/// "Allow" or "Do not allow", to what the page showed. The scopes are those of the checked request
/// without the optional ones that were not ticked; whatever else was sent.
///
/// # Errors
/// [`Fault`].
pub async fn consented(form: Form, asking: Query<Asking>) -> Result<HttpResponse, Fault> {
    let visit = &form.visit;
    let Some(scene) = scene(visit, &asking).await? else {
        return gone(visit);
    };
    if form.text("decision") != "allow" {
        return decline(visit, &asking, &scene).await;
    }
    let Some(account) = authorize::whose(&visit.app, &scene).await? else {
        return Ok(asking.back(visit));
    };
    // The app may have been changed while the person read.
    let shown = shown::digest_of(&scene, &account.id);
    if form.text("shown") != shown {
        return ask(visit, &asking, &scene, &account, true).await;
    }
    let ticked = form.fields().many("scope");
    let mut scopes = scene.checked.asked();
    scopes.retain(|name| !scene.checked.may_leave_out(name) || ticked.contains(name));
    let allowed = (account.id, scopes);
    allow(visit, &asking, &scene, allowed, shown).await
}
