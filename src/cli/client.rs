//! `gerege client`: apps that people sign in to.

mod about;
mod choice;
mod news;
mod removal;
mod show;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use self::about::About;
pub use choice::{Auth, NeedChoice, PkceChoice, Refresh, algorithm, detail_type};
use choice::{Profile, grant, known, profile};
pub use removal::all_there;
use removal::removable;
use show::{list, print};

use super::count;
use super::fault::Fault;
use super::house::{House, Missing};
use super::out::{self, Out};
use crate::flow::operate::{
    self,
    client::{self as story, Kept, Refusal},
};
use crate::oauth::certificate::Known;
use crate::oauth::client::{Asking, Client, ClientAuth, GrantType};
use crate::oauth::fapi;
use crate::oauth::registration::Registration;
use crate::oauth::scope;
use crate::oauth::service::Algorithm;
use crate::store;

/// What to do with apps.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register an app and print its id and, once, its secret
    #[command(
        after_help = "Examples:\n  gerege client add forum --redirect https://forum.example/back\n  gerege client add messenger --public --first-party --refresh always \\\n    --redirect http://127.0.0.1/callback --scope 'openid profile chat'\n  gerege client add nightly --grant client_credentials --scope reports"
    )]
    Add(Box<Add>),
    /// List apps
    #[command(after_help = "Examples:\n  gerege client list\n  gerege client list --json")]
    List,
    /// Show an app
    #[command(after_help = "Examples:\n  gerege client show forum")]
    Show {
        /// The app's id
        id: String,
    },
    /// Change an app
    #[command(
        after_help = "Examples:\n  gerege client edit forum --add-redirect https://forum.example/back/\n  gerege client edit forum --first-party false --name 'The forum'"
    )]
    Edit(Box<Edit>),
    /// Give an app a new secret; the old one opens nothing from then on
    #[command(after_help = "Examples:\n  gerege client rotate-secret forum --json")]
    RotateSecret {
        /// The app's id
        id: String,
    },
    /// List the sign-outs that apps were told of in the last 7 days
    #[command(
        after_help = "Examples:\n  gerege client logouts\n  gerege client logouts forum --json"
    )]
    Logouts {
        /// Of this app alone
        id: Option<String>,
    },
    /// List the decisions that apps were told of in the last day (CIBA ping)
    #[command(after_help = "Examples:\n  gerege client pings\n  gerege client pings bank --json")]
    Pings {
        /// Of this app alone
        id: Option<String>,
    },
    /// Remove an app and sign everyone out of it. One that is known by a document
    /// stays on the list and is kept out
    #[command(
        after_help = "Examples:\n  gerege client remove forum\n  gerege client remove https://app.example/client.json\n  gerege client remove https://app.example/client.json --forget"
    )]
    Remove {
        /// The app's id
        id: String,
        /// Forget one that is known by a document: it may come again
        #[arg(long)]
        forget: bool,
    },
}

/// A new app.
#[derive(Debug, Args)]
pub struct Add {
    /// The app's id, its client_id
    id: String,
    /// Where people return to after signing in; may be repeated
    #[arg(long, value_name = "URI")]
    redirect: Vec<String>,
    /// The name that people read; else the id
    #[arg(long)]
    name: Option<String>,
    /// It runs on people's machines and keeps no secret (--auth none)
    #[arg(long)]
    public: bool,
    /// An app of your own: people are not asked for consent
    #[arg(long)]
    first_party: bool,
    /// How it proves itself; else basic
    #[arg(long, value_enum, value_name = "HOW")]
    auth: Option<Auth>,
    /// Its public keys as a JWK set, for private_key_jwt
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Where people return to after signing out; may be repeated
    #[arg(long, value_name = "URI")]
    post_logout_redirect: Vec<String>,
    /// The scopes it may ask for, all of them; else openid, profile, email,
    /// offline_access
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// What it may do, all of it; else authorization_code, refresh_token
    #[arg(long, value_name = "GRANT", value_parser = grant)]
    grant: Vec<GrantType>,
    /// Whether each sign-in must bring a code challenge
    #[arg(long, value_enum, value_name = "WHEN", default_value = "required")]
    pkce: PkceChoice,
    /// Signs in without a click, even on the person's own machine
    #[arg(long)]
    silent: bool,
    /// When it is given a refresh token
    #[arg(long, value_enum, value_name = "WHEN", default_value = "offline")]
    refresh: Refresh,
    /// The algorithm of its ID tokens; else RS256, and ES256 with --fapi
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    id_token_algorithm: Option<Algorithm>,
    /// Name, username and address stand in the ID token; else for first-party
    /// apps
    #[arg(long, value_name = "BOOL")]
    id_token_claims: Option<bool>,
    #[command(flatten)]
    about: About,
    /// Whether each request must be pushed to /oauth2/par first
    #[arg(long, value_enum, value_name = "WHEN", default_value = "optional")]
    par: NeedChoice,
    /// Whether each request must be signed with one of its keys
    #[arg(long, value_enum, value_name = "WHEN", default_value = "optional")]
    request_object: NeedChoice,
    /// The algorithm of answers that it asks for signed (JARM); else RS256, and
    /// ES256 with --fapi
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    response_algorithm: Option<Algorithm>,
    /// A type of authorization details that it may ask for; may be repeated
    #[arg(long, value_name = "TYPE", value_parser = detail_type)]
    detail_type: Vec<String>,
    /// Whether it must prove that it holds a key (DPoP)
    #[arg(long, value_enum, value_name = "WHEN", default_value = "optional")]
    dpop: NeedChoice,
    /// The name in its certificate: dn:SUBJECT, dns:HOST, uri:URI, ip:ADDRESS or
    /// email:ADDRESS, for tls_client_auth
    #[arg(long, value_name = "NAME", value_parser = known)]
    certificate: Option<Known>,
    /// Its tokens are bound to its certificate
    #[arg(long)]
    certificate_bound: bool,
    /// The service that it is the program of: it may exchange tokens for it
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// A service that it may get tokens for by exchange; may be repeated
    #[arg(long, value_name = "SERVICE")]
    exchange: Vec<String>,
    /// Hold it to FAPI 2.0: security, message-signing (which is
    /// security+jar+jarm+introspection), or off
    #[arg(long, value_name = "PROFILE", default_value = "off", value_parser = profile)]
    fapi: Profile,
}

/// Changes to an app.
#[derive(Debug, Args)]
pub struct Edit {
    /// The app's id
    id: String,
    /// The name that people read
    #[arg(long)]
    name: Option<String>,
    /// Another address to return to after signing in
    #[arg(long, value_name = "URI")]
    add_redirect: Vec<String>,
    /// An address that is returned to no more
    #[arg(long, value_name = "URI")]
    remove_redirect: Vec<String>,
    /// Another address to return to after signing out
    #[arg(long, value_name = "URI")]
    add_post_logout_redirect: Vec<String>,
    /// An address that is returned to no more after signing out
    #[arg(long, value_name = "URI")]
    remove_post_logout_redirect: Vec<String>,
    /// Another scope
    #[arg(long, value_name = "SCOPE")]
    add_scope: Vec<String>,
    /// A scope that it may ask for no more
    #[arg(long, value_name = "SCOPE")]
    remove_scope: Vec<String>,
    /// Something more that it may do
    #[arg(long, value_name = "GRANT", value_parser = grant)]
    add_grant: Vec<GrantType>,
    /// Something that it may do no more
    #[arg(long, value_name = "GRANT", value_parser = grant)]
    remove_grant: Vec<GrantType>,
    /// How it proves itself
    #[arg(long, value_enum, value_name = "HOW")]
    auth: Option<Auth>,
    /// Its public keys as a JWK set, in place of those on file
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// An app of your own
    #[arg(long, value_name = "BOOL")]
    first_party: Option<bool>,
    /// Signs in without a click
    #[arg(long, value_name = "BOOL")]
    silent: Option<bool>,
    /// Whether each sign-in must bring a code challenge
    #[arg(long, value_enum, value_name = "WHEN")]
    pkce: Option<PkceChoice>,
    /// When it is given a refresh token
    #[arg(long, value_enum, value_name = "WHEN")]
    refresh: Option<Refresh>,
    /// The algorithm of its ID tokens
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    id_token_algorithm: Option<Algorithm>,
    /// Name, username and address stand in the ID token
    #[arg(long, value_name = "BOOL")]
    id_token_claims: Option<bool>,
    #[command(flatten)]
    about: About,
    /// Whether each request must be pushed to /oauth2/par first
    #[arg(long, value_enum, value_name = "WHEN")]
    par: Option<NeedChoice>,
    /// Whether each request must be signed with one of its keys
    #[arg(long, value_enum, value_name = "WHEN")]
    request_object: Option<NeedChoice>,
    /// The algorithm of answers that it asks for signed (JARM)
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    response_algorithm: Option<Algorithm>,
    /// Another type of authorization details
    #[arg(long, value_name = "TYPE", value_parser = detail_type)]
    add_detail_type: Vec<String>,
    /// A type of authorization details no more
    #[arg(long, value_name = "TYPE")]
    remove_detail_type: Vec<String>,
    /// Whether it must prove that it holds a key (DPoP)
    #[arg(long, value_enum, value_name = "WHEN")]
    dpop: Option<NeedChoice>,
    /// The name in its certificate
    #[arg(long, value_name = "NAME", value_parser = known)]
    certificate: Option<Known>,
    /// Its tokens are bound to its certificate
    #[arg(long, value_name = "BOOL")]
    certificate_bound: Option<bool>,
    /// The service that it is the program of; "" takes it back
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// Another service that it may get tokens for by exchange
    #[arg(long, value_name = "SERVICE")]
    add_exchange: Vec<String>,
    /// A service that it may get tokens for no more
    #[arg(long, value_name = "SERVICE")]
    remove_exchange: Vec<String>,
    /// Hold it to FAPI 2.0: security, message-signing, or off. Signatures with
    /// RS256 become ES256
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    fapi: Option<Profile>,
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
            let id = add.id.clone();
            let kept = house
                .wait(story::add(app, new(*add)?))
                .map_err(|refusal| refused(&format!("{id} was not added"), &id, refusal))?;
            print(app, &kept, "added", out);
        }
        Command::List => list(house, out)?,
        Command::Show { id } => {
            let asked = id.clone();
            let client = house
                .wait(app.store.read(move |c| store::client::find(c, &asked)))?
                .ok_or_else(|| refused("nothing to show", &id, Refusal::Unknown(id.clone())))?;
            let kept = Kept {
                client,
                secret: None,
                warnings: Vec::new(),
            };
            print(app, &kept, "", out);
        }
        Command::Edit(edit) => {
            let (id, asked) = (edit.id.clone(), edit.id.clone());
            let old = app.store.read(move |c| store::client::find(c, &asked));
            if let Some(old) = house.wait(old)? {
                removable(&old, &edit)?;
            }
            let change = changes(*edit)?;
            let kept = house
                .wait(story::edit(app, &id, change))
                .map_err(|refusal| {
                    let what = format!("{id} was not changed");
                    match refusal {
                        Refusal::NoRedirect => Fault::new(
                            what,
                            refusal,
                            format!(
                                "gerege client edit {id} --add-redirect https://app.example/back"
                            ),
                        ),
                        refusal => refused(&what, &id, refusal),
                    }
                })?;
            print(app, &kept, "changed", out);
        }
        Command::RotateSecret { id } => {
            let kept = house
                .wait(story::rotate_secret(app, &id))
                .map_err(|refusal| refused(&format!("{id} keeps its secret"), &id, refusal))?;
            print(app, &kept, "changed", out);
        }
        Command::Logouts { id } => news::logouts(house, id, out)?,
        Command::Pings { id } => news::pings(house, id, out)?,
        Command::Remove { id, forget } => {
            let gone = house
                .wait(story::remove(app, &id, forget))
                .map_err(|refusal| refused(&format!("{id} was not removed"), &id, refusal))?;
            let done = if gone.kept_out { "kept out" } else { "removed" };
            if out.json {
                out::json(&json!({ "client_id": id, "done": done, "apps_ended": gone.ended }));
            } else {
                let ended = count(gone.ended, "sign-in", "sign-ins");
                out::line(&format!("{done} {id}: {ended} ended"));
            }
            if gone.kept_out {
                out.warn(&format!(
                    "its document is read no more; to let it come again: gerege client remove {id} --forget"
                ));
            }
        }
    }
    Ok(())
}

/// The client that the words of `client add` mean.
fn new(add: Add) -> Result<Client, Fault> {
    let auth = match (add.public, add.auth) {
        (true, None | Some(Auth::None)) => ClientAuth::None,
        (true, Some(_)) => {
            return Err(Fault::usage(
                format!("{} was not added", add.id),
                "a public app has nothing to prove itself with, so --public and --auth disagree",
                "leave out one of them",
            ));
        }
        (false, Some(auth)) => auth.into(),
        (false, None) if add.jwks.is_some() || add.about.names_keys() => ClientAuth::PrivateKeyJwt,
        (false, None) => ClientAuth::ClientSecretBasic,
    };
    let grants = if add.grant.is_empty() {
        vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
    } else {
        add.grant
    };
    let signs_in = [
        GrantType::AuthorizationCode,
        GrantType::DeviceCode,
        GrantType::Ciba,
    ]
    .iter()
    .any(|grant| grants.contains(grant));
    let scopes = match scopes(&add.id, &add.scope)? {
        // A machine has no profile.
        typed if typed.is_empty() && signs_in => scope::STANDARD.map(str::to_owned).into(),
        typed => typed,
    };
    let mut registration = Registration::default();
    add.about.apply(&mut registration);
    Ok(Client {
        registration,
        name: add.name.unwrap_or_else(|| add.id.clone()),
        auth,
        secret_hash: None,
        jwks: add.jwks.as_deref().map(read_keys).transpose()?,
        redirects: add.redirect,
        post_logout: add.post_logout_redirect,
        scopes,
        grants,
        pkce: add.pkce.into(),
        first_party: add.first_party,
        silent: add.silent,
        refresh: add.refresh.into(),
        id_token_algorithm: add.id_token_algorithm.unwrap_or(match add.fapi.0 {
            None => Algorithm::RS256,
            Some(_) => Algorithm::ES256,
        }),
        id_token_claims: add.id_token_claims.unwrap_or(add.first_party),
        asking: Asking {
            par: add.par.into(),
            request_object: add.request_object.into(),
            details: add.detail_type,
            response_algorithm: add.response_algorithm,
        },
        dpop: add.dpop.into(),
        known: add.certificate,
        certificate_bound: add.certificate_bound,
        service: add.service.filter(|id| !id.is_empty()),
        exchange: add.exchange,
        fapi: add.fapi.0,
        created_at: crate::clock::Time::default(),
        id: add.id,
    })
}

fn scopes(id: &str, typed: &[String]) -> Result<Vec<String>, Fault> {
    operate::scopes(typed)
        .map_err(|name| refused(&format!("{id} stays as it is"), id, Refusal::Scope(name)))
}

fn read_keys(file: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(file).map_err(|error| {
        Fault::new(
            format!("cannot read {}", file.display()),
            error,
            "name a file with a JWK set that this user may read",
        )
    })
}

/// What the words of `client edit` change.
fn changes(edit: Edit) -> Result<impl Fn(&mut Client) + Send + 'static, Fault> {
    let jwks = edit.jwks.as_deref().map(read_keys).transpose()?;
    let add_scopes = scopes(&edit.id, &edit.add_scope)?;
    let remove_scopes = scopes(&edit.id, &edit.remove_scope)?;
    Ok(move |client: &mut Client| {
        if let Some(name) = &edit.name {
            client.name.clone_from(name);
        }
        change(
            &mut client.redirects,
            &edit.add_redirect,
            &edit.remove_redirect,
        );
        change(
            &mut client.post_logout,
            &edit.add_post_logout_redirect,
            &edit.remove_post_logout_redirect,
        );
        change(&mut client.scopes, &add_scopes, &remove_scopes);
        change(&mut client.grants, &edit.add_grant, &edit.remove_grant);
        if let Some(auth) = edit.auth {
            client.auth = auth.into();
        }
        if jwks.is_some() {
            client.jwks.clone_from(&jwks);
        }
        client.first_party = edit.first_party.unwrap_or(client.first_party);
        client.silent = edit.silent.unwrap_or(client.silent);
        client.pkce = edit.pkce.map_or(client.pkce, Into::into);
        client.refresh = edit.refresh.map_or(client.refresh, Into::into);
        client.id_token_algorithm = edit.id_token_algorithm.unwrap_or(client.id_token_algorithm);
        client.id_token_claims = edit.id_token_claims.unwrap_or(client.id_token_claims);
        if let Some(profile) = edit.fapi {
            client.fapi = profile.0;
            if profile.0.is_some() && edit.id_token_algorithm.is_none() {
                strengthen(&mut client.id_token_algorithm);
            }
        }
        edit.about.apply(&mut client.registration);
        let asking = &mut client.asking;
        asking.par = edit.par.map_or(asking.par, Into::into);
        asking.request_object = edit
            .request_object
            .map_or(asking.request_object, Into::into);
        change(
            &mut asking.details,
            &edit.add_detail_type,
            &edit.remove_detail_type,
        );
        asking.response_algorithm = edit.response_algorithm.or(asking.response_algorithm);
        if let (Some(Profile(Some(_))), None) = (edit.fapi, edit.response_algorithm)
            && let Some(algorithm) = &mut asking.response_algorithm
        {
            strengthen(algorithm);
        }
        client.dpop = edit.dpop.map_or(client.dpop, Into::into);
        if edit.certificate.is_some() {
            client.known.clone_from(&edit.certificate);
        }
        client.certificate_bound = edit.certificate_bound.unwrap_or(client.certificate_bound);
        if let Some(id) = &edit.service {
            client.service = Some(id.clone()).filter(|id| !id.is_empty());
        }
        change(
            &mut client.exchange,
            &edit.add_exchange,
            &edit.remove_exchange,
        );
    })
}

/// FAPI takes no RS256.
fn strengthen(algorithm: &mut Algorithm) {
    if *algorithm == Algorithm::RS256 {
        *algorithm = Algorithm::ES256;
    }
}

/// Adds what is not there, removes what is.
pub fn change<T: Clone + PartialEq>(list: &mut Vec<T>, add: &[T], remove: &[T]) {
    list.retain(|one| !remove.contains(one));
    for one in add {
        if !list.contains(one) {
            list.push(one.clone());
        }
    }
}

fn refused(what: &str, id: &str, refusal: Refusal) -> Fault {
    let fix = match &refusal {
        Refusal::Store(_) => "gerege db status, then the same command again".to_owned(),
        Refusal::Id => "choose an id such as forum or steppe-chat".to_owned(),
        Refusal::Taken(id) => format!("gerege client show {id}, or choose another id"),
        Refusal::Unknown(_) => "gerege client list".to_owned(),
        Refusal::Redirect(..) => "write the address as the app sends it".to_owned(),
        Refusal::NoRedirect => {
            format!("gerege client add {id} --redirect https://app.example/back")
        }
        Refusal::Scope(_) => "write scopes as words, with spaces between them".to_owned(),
        Refusal::PublicPkce => "leave out --pkce optional".to_owned(),
        Refusal::PublicMachine => "leave out --public, or --grant client_credentials".to_owned(),
        Refusal::PublicExchange => "leave out --public, or --grant token_exchange".to_owned(),
        Refusal::PublicCiba => "leave out --public, or --grant ciba".to_owned(),
        Refusal::NoName | Refusal::Subject(_) => {
            "add --certificate dns:chat.example, or dn:CN=chat,O=Steppe".to_owned()
        }
        Refusal::NoCertificate => "add --jwks FILE with the certificate as x5c".to_owned(),
        Refusal::NoKeys | Refusal::NoRequestKeys => {
            "add --jwks FILE with the app's public keys".to_owned()
        }
        Refusal::Keys(_) => "ask the app for its JWK set, public halves only".to_owned(),
        Refusal::Fapi(fault) => match fault {
            fapi::Fault::Auth => "add --auth private_key_jwt and --jwks FILE",
            fapi::Fault::Pkce => "add --pkce required",
            fapi::Fault::Redirect(_) => "give an https address in its place",
            fapi::Fault::Algorithm("answers") => "add --response-algorithm ES256",
            fapi::Fault::Algorithm("answers of userinfo") => "add --userinfo-algorithm ES256",
            fapi::Fault::Algorithm(_) => "add --id-token-algorithm ES256",
            fapi::Fault::Key(_) => "ask the app for keys for PS256, ES256 or EdDSA",
            fapi::Fault::Device => "leave out --grant device_code",
        }
        .to_owned(),
        Refusal::NoSecret => format!("gerege client show {id}"),
        Refusal::Registration(_) => {
            "write the whole address, as a browser would open it".to_owned()
        }
    };
    Fault::new(what, refusal, fix)
}
