//! `gerege service`: servers that trust our tokens.

mod offer;
mod words;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{algorithm, all_there, change, detail_type};
use super::fault::Fault;
use super::house::{House, Missing};
use super::moment;
use super::out::{self, Out};
use crate::app::App;
use crate::clock::Time;
use crate::flow::operate::{
    self,
    service::{self as story, Kept, Refusal},
};
use crate::keys;
use crate::oauth::service::{
    Algorithm, ClaimRule, KeyOwner, Proof, Rotation, Service, TokenFormat, Words,
};
use crate::store;

/// What to do with services.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a service, make its key, and print, once, its secret
    #[command(
        after_help = "Examples:\n  gerege service add chat --audience chat --scope chat \\\n    --claim 'jid={username}@{domain}'\n  gerege service add api --audience https://api.example --scope reports \\\n    --keys issuer --algorithm ES256 --machine"
    )]
    Add(Box<Add>),
    /// List services
    #[command(after_help = "Examples:\n  gerege service list")]
    List,
    /// Show a service and where its keys are
    #[command(after_help = "Examples:\n  gerege service show chat")]
    Show {
        /// The service's id
        id: String,
    },
    /// Change a service; its id and audience stay
    #[command(
        after_help = "Examples:\n  gerege service edit chat --add-claim 'jid={username}@{domain}'\n  gerege service edit chat --new-secret"
    )]
    Edit(Box<Edit>),
    /// Remove a service; its keys sign and are published no more
    #[command(after_help = "Examples:\n  gerege service remove chat")]
    Remove {
        /// The service's id
        id: String,
    },
}

/// The shape of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A signed token that the service checks by itself
    Jwt,
    /// A word that means nothing; the service asks us
    Opaque,
}

/// Whose key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keys {
    /// A key of the service alone
    Own,
    /// The key of this server
    Issuer,
}

/// How the service learns of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Turn {
    /// It reads the key set again
    Jwks,
    /// It holds one key file: keys change only by command
    Pinned,
}

/// What the service checks beside a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Checks {
    /// Nothing
    Bearer,
    /// A proof by the key that the token is bound to (DPoP)
    Dpop,
    /// The certificate that the token is bound to
    Mtls,
}

impl From<Checks> for Proof {
    fn from(checks: Checks) -> Self {
        match checks {
            Checks::Bearer => Self::Bearer,
            Checks::Dpop => Self::Dpop,
            Checks::Mtls => Self::Mtls,
        }
    }
}

impl From<Format> for TokenFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jwt => Self::Jwt,
            Format::Opaque => Self::Opaque,
        }
    }
}

impl From<Keys> for KeyOwner {
    fn from(keys: Keys) -> Self {
        match keys {
            Keys::Own => Self::Own,
            Keys::Issuer => Self::Issuer,
        }
    }
}

impl From<Turn> for Rotation {
    fn from(turn: Turn) -> Self {
        match turn {
            Turn::Jwks => Self::Jwks,
            Turn::Pinned => Self::Pinned,
        }
    }
}

fn rule(text: &str) -> Result<ClaimRule, String> {
    let (claim, template) = text
        .split_once('=')
        .ok_or("a claim is written NAME=TEMPLATE, such as jid={username}@{domain}")?;
    Ok(ClaimRule {
        claim: claim.trim().to_owned(),
        template: template.to_owned(),
    })
}

/// A new service.
#[derive(Debug, Args)]
pub struct Add {
    /// The service's id, in its URLs and at introspection
    id: String,
    /// What stands in its tokens as aud, and what `resource` names
    #[arg(long)]
    audience: String,
    /// The name that people read; else the id
    #[arg(long)]
    name: Option<String>,
    /// Its scopes, which belong to no other service
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// The algorithm of its tokens: RS256, ES256, EdDSA
    #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = algorithm)]
    algorithm: Algorithm,
    /// The shape of its tokens
    #[arg(long, value_enum, default_value = "jwt")]
    format: Format,
    /// Whose key signs its tokens
    #[arg(long, value_enum, default_value = "own")]
    keys: Keys,
    /// How it learns of a new key
    #[arg(long, value_enum, default_value = "jwks")]
    rotation: Turn,
    /// A claim of its tokens: {username}, {domain}, {name}, {email}, {sub}
    #[arg(long, value_name = "NAME=TEMPLATE", value_parser = rule)]
    claim: Vec<ClaimRule>,
    /// It takes tokens of machines (client_credentials)
    #[arg(long)]
    machine: bool,
    /// /services/ID/userinfo answers
    #[arg(long)]
    userinfo: bool,
    /// What it checks beside a token
    #[arg(long, value_enum, default_value = "bearer")]
    proof: Checks,
    /// It never asks us about a token, so it gets no secret
    #[arg(long)]
    no_secret: bool,
    /// A type of authorization details that belong to it; may be repeated
    #[arg(long, value_name = "TYPE", value_parser = detail_type)]
    detail_type: Vec<String>,
    #[command(flatten)]
    offers: offer::New,
    #[command(flatten)]
    words: words::Said,
}

/// Changes to a service.
#[derive(Debug, Args)]
pub struct Edit {
    /// The service's id
    id: String,
    /// The name that people read
    #[arg(long)]
    name: Option<String>,
    /// Another scope
    #[arg(long, value_name = "SCOPE")]
    add_scope: Vec<String>,
    /// A scope that is no more
    #[arg(long, value_name = "SCOPE")]
    remove_scope: Vec<String>,
    /// Another claim, or another template for one
    #[arg(long, value_name = "NAME=TEMPLATE", value_parser = rule)]
    add_claim: Vec<ClaimRule>,
    /// A claim that is no more
    #[arg(long, value_name = "NAME")]
    remove_claim: Vec<String>,
    /// The algorithm of its tokens; a key is made at once
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    algorithm: Option<Algorithm>,
    /// The shape of its tokens
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Whose key signs its tokens
    #[arg(long, value_enum)]
    keys: Option<Keys>,
    /// How it learns of a new key
    #[arg(long, value_enum)]
    rotation: Option<Turn>,
    /// It takes tokens of machines
    #[arg(long, value_name = "BOOL")]
    machine: Option<bool>,
    /// /services/ID/userinfo answers
    #[arg(long, value_name = "BOOL")]
    userinfo: Option<bool>,
    /// What it checks beside a token
    #[arg(long, value_enum)]
    proof: Option<Checks>,
    /// Give it a new secret; the old one opens nothing from then on
    #[arg(long, conflicts_with = "no_secret")]
    new_secret: bool,
    /// Take its secret away
    #[arg(long)]
    no_secret: bool,
    /// Another type of authorization details
    #[arg(long, value_name = "TYPE", value_parser = detail_type)]
    add_detail_type: Vec<String>,
    /// A type of authorization details no more
    #[arg(long, value_name = "TYPE")]
    remove_detail_type: Vec<String>,
    #[command(flatten)]
    offers: offer::Change,
    #[command(flatten)]
    words: words::Said,
}

impl Command {
    /// What to do where there is no database.
    pub fn missing(&self) -> Missing {
        match self {
            Self::Add(_) => Missing::Make,
            _ => Missing::Refuse,
        }
    }
}

/// Does it.
pub fn run(house: &House, command: Command, out: Out) -> Result<(), Fault> {
    let app = &house.app;
    match command {
        Command::Add(add) => {
            let (id, secret) = (add.id.clone(), !add.no_secret);
            let kept = house
                .wait(story::add(app, new(*add)?, secret))
                .map_err(|refusal| refused(&format!("{id} was not added"), refusal))?;
            print(app, &kept, "added", out);
        }
        Command::List => list(house, out)?,
        Command::Show { id } => {
            let asked = id.clone();
            let service = house
                .wait(
                    app.store
                        .read(move |c| store::client::find_service(c, &asked)),
                )?
                .ok_or_else(|| refused("nothing to show", Refusal::Unknown(id)))?;
            let kept = Kept {
                service,
                secret: None,
            };
            print(app, &kept, "", out);
        }
        Command::Edit(edit) => {
            let (id, new_secret, no_secret) = (edit.id.clone(), edit.new_secret, edit.no_secret);
            let asked = id.clone();
            let old = app
                .store
                .read(move |c| store::client::find_service(c, &asked));
            if let Some(old) = house.wait(old)? {
                removable(&old, &edit)?;
            }
            let change = changes(*edit)?;
            let kept = house
                .wait(story::edit(app, &id, new_secret, no_secret, change))
                .map_err(|refusal| refused(&format!("{id} was not changed"), refusal))?;
            print(app, &kept, "changed", out);
        }
        Command::Remove { id } => {
            house
                .wait(story::remove(app, &id))
                .map_err(|refusal| refused(&format!("{id} was not removed"), refusal))?;
            if out.json {
                out::json(&json!({ "id": id, "done": "removed" }));
            } else {
                out::line(&format!("removed {id}; its keys are published no more"));
            }
        }
    }
    Ok(())
}

fn new(add: Add) -> Result<Service, Fault> {
    let (mut words, typed) = (Words::default(), scopes(&add.id, &add.scope)?);
    add.words.apply(&mut words, &typed);
    Ok(Service {
        name: add.name.unwrap_or_else(|| add.id.clone()),
        audience: add.audience,
        scopes: typed,
        words,
        algorithm: add.algorithm,
        format: add.format.into(),
        claims: add.claim,
        keys: add.keys.into(),
        rotation: add.rotation.into(),
        details: add.detail_type,
        machine: add.machine,
        userinfo: add.userinfo,
        proof: add.proof.into(),
        offers: add.offers.into(),
        secret_hash: None,
        created_at: Time::default(),
        id: add.id,
    })
}

fn scopes(id: &str, typed: &[String]) -> Result<Vec<String>, Fault> {
    operate::scopes(typed)
        .map_err(|name| refused(&format!("{id} stays as it is"), Refusal::Scope(name)))
}

/// Whether what is to be removed is there: a name that was mistyped removes nothing.
fn removable(old: &Service, edit: &Edit) -> Result<(), Fault> {
    let show = format!("gerege service show {}", old.id);
    let claims: Vec<String> = old.claims.iter().map(|rule| rule.claim.clone()).collect();
    let typed = scopes(&edit.id, &edit.remove_scope)?;
    for (what, has, typed) in [
        ("scope", &old.scopes, &typed),
        ("claim", &claims, &edit.remove_claim),
        ("type", &old.details, &edit.remove_detail_type),
    ] {
        all_there(&old.id, what, has, typed, &show)?;
    }
    Ok(())
}

fn changes(edit: Edit) -> Result<impl Fn(&mut Service) + Send + 'static, Fault> {
    let add_scopes = scopes(&edit.id, &edit.add_scope)?;
    let remove_scopes = scopes(&edit.id, &edit.remove_scope)?;
    Ok(move |service: &mut Service| {
        if let Some(name) = &edit.name {
            service.name.clone_from(name);
        }
        change(&mut service.scopes, &add_scopes, &remove_scopes);
        service.claims.retain(|rule| {
            let replaced = edit.add_claim.iter().any(|new| new.claim == rule.claim);
            !replaced && !edit.remove_claim.contains(&rule.claim)
        });
        service.claims.extend(edit.add_claim.iter().cloned());
        service.algorithm = edit.algorithm.unwrap_or(service.algorithm);
        service.format = edit.format.map_or(service.format, Into::into);
        service.keys = edit.keys.map_or(service.keys, Into::into);
        service.rotation = edit.rotation.map_or(service.rotation, Into::into);
        change(
            &mut service.details,
            &edit.add_detail_type,
            &edit.remove_detail_type,
        );
        service.machine = edit.machine.unwrap_or(service.machine);
        service.userinfo = edit.userinfo.unwrap_or(service.userinfo);
        service.proof = edit.proof.map_or(service.proof, Into::into);
        edit.offers.apply(&mut service.offers);
        edit.words.apply(&mut service.words, &service.scopes);
    })
}

fn refused(what: &str, refusal: Refusal) -> Fault {
    let fix = match &refusal {
        Refusal::Store(_) | Refusal::Keys(_) => "gerege doctor".to_owned(),
        Refusal::Id => "choose an id such as chat".to_owned(),
        Refusal::Taken(id) => format!("gerege service show {id}, or choose another id"),
        Refusal::Unknown(_) => "gerege service list".to_owned(),
        Refusal::Audience => "choose a word or URL such as https://chat.example".to_owned(),
        Refusal::AudienceTaken(_) => "gerege service list, and choose another".to_owned(),
        Refusal::Scope(_) => "write scopes as words, with spaces between them".to_owned(),
        Refusal::DetailTaken(..) => "choose another name for the type, such as a URL".to_owned(),
        Refusal::ScopeTaken(..) => "choose another scope, such as chat:send".to_owned(),
        Refusal::Words(name, _) => format!("write it like --describe '{name}=Read your files'"),
        Refusal::OwnIssuer => "--keys own, or leave --own-issuer out".to_owned(),
        Refusal::NoUrl(_) => {
            "remove it and add it again with --audience https://chat.example".to_owned()
        }
        Refusal::Claim(..) => "write it like --claim 'jid={username}@{domain}'".to_owned(),
    };
    Fault::new(what, refusal, fix)
}

/// Where the public halves of a service's keys are.
fn places(app: &App, service: &Service) -> Vec<(&'static str, String)> {
    match service.keys {
        KeyOwner::Own => {
            let at = |file: &str| app.config.url(&format!("/services/{}/{file}", service.id));
            vec![
                ("jwks_uri", at("jwks.json")),
                ("jwk_url", at("current.jwk")),
                ("pem_url", at("current.pem")),
            ]
        }
        KeyOwner::Issuer => vec![("jwks_uri", app.config.url("/jwks.json"))],
    }
}

fn facts(app: &App, service: &Service) -> Value {
    let claims: serde_json::Map<String, Value> = service
        .claims
        .iter()
        .map(|rule| (rule.claim.clone(), rule.template.clone().into()))
        .collect();
    let mut all = json!({
        "id": service.id,
        "name": service.name,
        "audience": service.audience,
        "scope": service.scopes.join(" "),
        "algorithm": keys::name(service.algorithm),
        "format": service.format,
        "keys": service.keys,
        "rotation": service.rotation,
        "claims": claims,
        "authorization_details_types": service.details,
        "machine": service.machine,
        "userinfo": service.userinfo,
        "proof": service.proof,
        "has_secret": service.secret_hash.is_some(),
        "created_at": service.created_at.rfc3339(),
        "introspection_endpoint": app.config.url("/oauth2/introspect"),
    });
    if let Some(map) = all.as_object_mut() {
        offer::facts(app, service, map);
        words::facts(service, map);
        for (name, url) in places(app, service) {
            map.insert(name.to_owned(), url.into());
        }
        if service.userinfo {
            let url = app
                .config
                .url(&format!("/services/{}/userinfo", service.id));
            map.insert("userinfo_endpoint".to_owned(), url.into());
        }
    }
    all
}

fn print(app: &App, kept: &Kept, verb: &str, out: Out) {
    let service = &kept.service;
    if verb == "added" && service.claims.is_empty() && !service.machine {
        out.warn(
            "its tokens name a person only by sub; a chat server mostly wants more: \
             --claim 'jid={username}@{domain}'",
        );
    }
    if !verb.is_empty() && service.scopes.is_empty() {
        out.warn(&format!(
            "it has no scope, and a service is reached only with one: gerege service edit {} \
             --add-scope {}",
            service.id, service.id
        ));
    }
    if out.json {
        let mut all = facts(app, service);
        if let (Some(map), Some(secret)) = (all.as_object_mut(), &kept.secret) {
            map.insert("secret".into(), secret.reveal().into());
        }
        out::json(&all);
        return;
    }
    if !verb.is_empty() {
        out::line(&format!("{verb} {}", service.id));
    }
    let mut lines = vec![("id", service.id.clone())];
    if let Some(secret) = &kept.secret {
        lines.push((
            "secret",
            format!("{}\n(shown once: keep it now)", secret.reveal()),
        ));
    }
    let claims: Vec<String> = service
        .claims
        .iter()
        .map(|rule| format!("{} = {}", rule.claim, rule.template))
        .collect();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let issuer = match service.keys {
        KeyOwner::Own => "its own key",
        KeyOwner::Issuer => "this server's key",
    };
    lines.extend([
        ("name", service.name.clone()),
        ("audience", service.audience.clone()),
        ("scopes", service.scopes.join(" ")),
        (
            "tokens",
            match service.format {
                TokenFormat::Jwt => format!("{}, {issuer}", keys::name(service.algorithm)),
                TokenFormat::Opaque => "opaque: the service asks".to_owned(),
            },
        ),
        (
            "new keys",
            match service.rotation {
                Rotation::Jwks => "by the calendar",
                Rotation::Pinned => "only by command",
            }
            .to_owned(),
        ),
        (
            "claims",
            if claims.is_empty() {
                "none".into()
            } else {
                claims.join("\n")
            },
        ),
        ("machines", yes(service.machine)),
        ("userinfo", yes(service.userinfo)),
        (
            "checks besides",
            match service.proof {
                Proof::Bearer => "nothing",
                Proof::Dpop => "a proof of the key (DPoP)",
                Proof::Mtls => "the app's certificate",
            }
            .to_owned(),
        ),
        ("may ask us", yes(service.secret_hash.is_some())),
        ("introspection", app.config.url("/oauth2/introspect")),
    ]);
    lines.extend(words::lines(service));
    lines.extend(offer::lines(app, service));
    lines.extend(places(app, service));
    out::facts(&lines);
}

fn list(house: &House, out: Out) -> Result<(), Fault> {
    let services = house.wait(house.app.store.read(store::client::list_services))?;
    if out.json {
        let list: Vec<Value> = services.iter().map(|one| facts(&house.app, one)).collect();
        out::json(&list);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = services
        .iter()
        .map(|one| {
            vec![
                one.id.clone(),
                one.audience.clone(),
                one.scopes.join(" "),
                keys::name(one.algorithm).to_owned(),
                match one.keys {
                    KeyOwner::Own => "own",
                    KeyOwner::Issuer => "issuer",
                }
                .to_owned(),
                moment(one.created_at),
            ]
        })
        .collect();
    let heads = [
        "ID",
        "AUDIENCE",
        "SCOPES",
        "ALGORITHM",
        "KEYS",
        "SINCE (UTC)",
    ];
    out.table(
        &heads,
        &rows,
        "No service yet. Add one: gerege service add --help",
    );
    Ok(())
}
