//! A token explained: what it is, whom it stands for, and every reason why it is not good.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::account::Account;
use crate::app::App;
use crate::clock::Time;
use crate::flow::access::OPAQUE;
use crate::flow::grants::is_signed_in;
use crate::flow::opaque::{self, Refresh};
use crate::flow::presented::{is_of, mark};
use crate::keys::{self, ISSUER, Key, Purpose};
use crate::oauth::client::Client;
use crate::oauth::grant::Grant;
use crate::oauth::scope;
use crate::oauth::service::{KeyOwner, Service, own_issuer};
use crate::oauth::token::is_offline;
use crate::rng::digest;
use crate::store::{self, Error};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A signed access token (RFC 9068).
    Access,
    /// A sealed access token.
    Opaque,
    /// An ID token.
    Id,
    /// A refresh token.
    Refresh,
    /// An authorization code.
    Code,
    /// Something else.
    Unknown,
}

impl Kind {
    /// In plain words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access token",
            Self::Opaque => "opaque access token",
            Self::Id => "ID token",
            Self::Refresh => "refresh token",
            Self::Code => "authorization code",
            Self::Unknown => "unknown",
        }
    }
}

/// A token explained.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is.
    pub kind: Kind,
    /// Why it is refused; empty when it is good.
    pub why_not: Vec<String>,
    /// Its signature, in words; none for tokens without one.
    pub signature: Option<String>,
    /// Whose it is.
    pub account: Option<Account>,
    /// The app that uses it.
    pub client: Option<Client>,
    /// The service that it is for.
    pub service: Option<Service>,
    /// `aud` as it stands in the token.
    pub audience: Option<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// When it was made.
    pub issued_at: Option<Time>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// All that it says; not to be believed when the signature is not good.
    pub claims: Map<String, Value>,
}

impl Report {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            why_not: Vec::new(),
            signature: None,
            account: None,
            client: None,
            service: None,
            audience: None,
            scopes: Vec::new(),
            issued_at: None,
            expires_at: None,
            claims: Map::new(),
        }
    }

    /// Whether everything here would take it.
    pub fn is_good(&self) -> bool {
        self.why_not.is_empty()
    }

    fn refuse(&mut self, why: impl Into<String>) {
        self.why_not.push(why.into());
    }

    fn text(&self, name: &str) -> Option<String> {
        let found = self.claims.get(name).and_then(Value::as_str);
        found.map(str::to_owned)
    }

    fn time(&self, name: &str) -> Option<Time> {
        let found = self.claims.get(name).and_then(Value::as_i64);
        found.map(Time::from_seconds)
    }
}

/// Explains a token.
///
/// # Errors
/// When the database does not answer.
pub async fn inspect(app: &Arc<App>, token: &str) -> Result<Report, Error> {
    let token = token.trim();
    let rows = app.store.read(store::key::list).await?;
    if let Err(error) = app.keys.load(&rows) {
        return Err(Error::Broken(error.to_string()));
    }
    let master = app.keys.master();
    if let Some(sealed) = token.strip_prefix(OPAQUE) {
        let mut report = Report::new(Kind::Opaque);
        let opened = URL_SAFE_NO_PAD
            .decode(sealed)
            .ok()
            .and_then(|sealed| master.open(Purpose::Opaque, b"access", &sealed).ok())
            .and_then(|plain| serde_json::from_slice(&plain).ok());
        match opened {
            Some(claims) => report.claims = claims,
            None => report.refuse("it was changed, cut short, or made by another server"),
        }
        return judge(app, report, None).await;
    }
    if let Some(refresh) = Refresh::read(master, token) {
        return kept(app, Report::new(Kind::Refresh), Kept::Refresh(refresh)).await;
    }
    if opaque::Kind::Code.is_ours(master, token) {
        return kept(app, Report::new(Kind::Code), Kept::Code(digest(token))).await;
    }
    let (report, key) = signed(app, token);
    judge(app, report, key).await
}

/// A signed token, as far as it can be read.
fn signed(app: &App, token: &str) -> (Report, Option<Arc<Key>>) {
    let part = |at: usize| -> Option<Map<String, Value>> {
        let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at)?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let (Some(header), Some(claims)) = (part(0), part(1)) else {
        let mut report = Report::new(Kind::Unknown);
        report.refuse(
            "it has no three parts with dots between them, and is no refresh token, code or \
             opaque token that was made here",
        );
        return (report, None);
    };
    let typ = header.get("typ").and_then(Value::as_str);
    let (kind, typ) = match typ {
        Some("at+jwt") => (Kind::Access, "at+jwt"),
        Some("JWT") => (Kind::Id, "JWT"),
        _ => (Kind::Unknown, ""),
    };
    let mut report = Report::new(kind);
    report.claims = claims;
    let kid = header.get("kid").and_then(Value::as_str).unwrap_or("");
    match (app.keys.read(token, typ), app.keys.find(kid)) {
        (Some(read), _) => {
            report.signature = Some(format!(
                "good, by the {} key {} of {}",
                keys::name(read.key.algorithm),
                read.key.kid,
                read.key.owner
            ));
            (report, Some(read.key))
        }
        (None, None) => {
            report.signature = Some("not checked: the key is not known here".into());
            report.refuse("it was signed with a key that this server does not have");
            (report, None)
        }
        (None, Some(key)) => {
            report.signature = Some("not good".into());
            let alg = header.get("alg").and_then(Value::as_str);
            if kind == Kind::Unknown {
                report.refuse("its typ is neither at+jwt nor JWT");
            } else if alg != Some(keys::name(key.algorithm)) {
                report.refuse("it names another algorithm than its key has");
            } else {
                report.refuse("its signature does not fit: it was changed or cut short");
            }
            (report, None)
        }
    }
}

/// Judges a token by its claims, and by the rows that they name.
async fn judge(app: &Arc<App>, mut report: Report, key: Option<Arc<Key>>) -> Result<Report, Error> {
    let now = app.clock.now();
    let house = app.clone();
    report.issued_at = report.time("iat");
    report.expires_at = report.time("exp");
    report.audience = report.text("aud");
    report.scopes = report
        .text("scope")
        .map(|list| list.split_whitespace().map(str::to_owned).collect())
        .unwrap_or_default();
    // What nobody vouches for names no person here.
    if key.is_none() && (report.kind != Kind::Opaque || !report.is_good()) {
        return Ok(report);
    }
    let (named, ours) = (report.text("iss"), app.config.issuer());
    let owner = key.as_ref().map(|key| key.owner.as_str());
    // A service that is its own issuer has a name below ours.
    let own = owner.is_some_and(|owner| {
        owner != ISSUER && named.as_deref() == Some(own_issuer(ours, owner).as_str())
    });
    if named.as_deref() != Some(ours) && !own {
        report.refuse(format!(
            "it comes from {}, and this is {}",
            report.text("iss").unwrap_or_else(|| "nowhere".into()),
            app.config.issuer()
        ));
    }
    match report.expires_at {
        Some(end) if end <= now => report.refuse("its time is over"),
        None => report.refuse("it has no end"),
        _ => {}
    }
    if key.as_ref().is_some_and(|key| !key.is_published(now)) {
        report.refuse("its key is published no more: it was replaced long ago, or taken away");
    }
    app.store
        .read(move |c| {
            let mut report = report.clone();
            let audience = report.audience.clone().unwrap_or_default();
            let app_id = match report.kind {
                Kind::Id => report.text("azp").unwrap_or_else(|| audience.clone()),
                _ => report.text("client_id").unwrap_or_default(),
            };
            report.client = store::client::find(c, &app_id)?;
            let issued_at = report.issued_at.unwrap_or_default();
            match &report.client {
                None => report.refuse("the app that it was made for is not on file"),
                Some(client) if !is_of(issued_at, client.created_at) => {
                    report.refuse("it is older than the app that has this id now");
                }
                Some(_) => {}
            }
            let signer = key.as_ref().map(|key| key.owner.as_str());
            let trusted = if report.kind == Kind::Id || audience == house.config.issuer() {
                ISSUER.to_owned()
            } else {
                report.service = store::client::list_services(c)?
                    .into_iter()
                    .find(|service| service.audience == audience);
                let newer = |one: &Service| !is_of(issued_at, one.created_at);
                if report.service.as_ref().is_some_and(newer) {
                    report.refuse("it is older than the service that has its audience now");
                }
                match &report.service {
                    Some(service) if service.keys == KeyOwner::Own => service.id.clone(),
                    Some(_) => ISSUER.to_owned(),
                    None => {
                        report.refuse("no service has its audience");
                        String::new()
                    }
                }
            };
            if signer.is_some_and(|signer| !trusted.is_empty() && signer != trusted) {
                report.refuse("the key that signed it is not the one that its service trusts");
            }
            if let Some(mark) = mark(&report.claims) {
                let service = report.service.as_ref().map(|one| one.id.as_str());
                let may = |client: &Client| service.is_none_or(|id| client.may_trade(id));
                if !report.client.as_ref().is_none_or(may) {
                    report.refuse("its app may not take others' tokens to this service any more");
                }
                if store::counter::was_seen(c, &mark)? {
                    report.refuse("its app gave it back");
                }
            }
            let sub = report.text("sub").unwrap_or_default();
            if report.kind != Kind::Id && sub == app_id {
                machine_stands(&mut report);
                return Ok(report);
            }
            let grant = match report.text("gid") {
                Some(gid) => store::grant::find(c, &gid)?,
                None => None,
            };
            let Some(grant) = grant else {
                match report.text("gid") {
                    // A `sub` that only its app sees names nobody without it.
                    Some(_) => {
                        report.refuse("what the person allowed is not on file any more");
                        report.account = store::account::find(c, &sub)?;
                    }
                    None => account_stands(c, &mut report, &sub)?,
                }
                return Ok(report);
            };
            account_stands(c, &mut report, &grant.account_id)?;
            grant_stands(c, &house, &mut report, &grant, now)?;
            // An exchanged token has the app of its grant behind it, beside its own.
            match store::client::find(c, &grant.client_id)? {
                None => report.refuse("the app that the person allowed it is not on file"),
                Some(owner) if report.kind != Kind::Id => {
                    scopes_stand(&mut report, &grant.cut(&owner).scopes);
                }
                Some(_) => {}
            }
            Ok(report)
        })
        .await
}

/// What is known by a row.
enum Kept {
    Refresh(Refresh),
    /// By its digest.
    Code(String),
}

/// Judges a refresh token or code by its row.
async fn kept(app: &Arc<App>, report: Report, what: Kept) -> Result<Report, Error> {
    let now = app.clock.now();
    let house = app.clone();
    app.store
        .read(move |c| {
            let mut report = report.clone();
            let grant_id = match &what {
                Kept::Refresh(token) => {
                    store::grant::find_family(c, token.grant_id())?.map(|family| {
                        report.expires_at = Some(family.idle_until.min(family.ends_at));
                        if token.counts(&family) {
                            report.issued_at = Some(family.created_at);
                        } else {
                            report.refuse("it was used, and a newer one has taken its place");
                        }
                        family.grant_id
                    })
                }
                Kept::Code(hash) => store::grant::find_code(c, hash)?.map(|row| {
                    report.expires_at = Some(row.expires_at);
                    if row.used_at.is_some() {
                        report.refuse("it was used, and works once");
                    }
                    row.grant_id
                }),
            };
            if report.expires_at.is_some_and(|end| end <= now) {
                report.refuse("its time is over");
            }
            let grant = match grant_id {
                Some(id) => store::grant::find(c, &id)?,
                None => None,
            };
            let Some(grant) = grant else {
                report.refuse("it was made here, and is not on file any more");
                return Ok(report);
            };
            report.scopes.clone_from(&grant.scopes);
            account_stands(c, &mut report, &grant.account_id)?;
            grant_stands(c, &house, &mut report, &grant, now)?;
            report.client = store::client::find(c, &grant.client_id)?;
            match &report.client {
                None => report.refuse("the app that it was made for is not on file"),
                Some(client) => {
                    let (offline, left) = (grant.offline, grant.cut(client).scopes);
                    if report.kind == Kind::Refresh && offline && !is_offline(client, &left) {
                        report.refuse("its app may not have refresh tokens any more");
                    }
                    report.scopes = left;
                }
            }
            Ok(report)
        })
        .await
}

fn account_stands(c: &mut store::Conn<'_>, report: &mut Report, id: &str) -> Result<(), Error> {
    report.account = store::account::find(c, id)?;
    match &report.account {
        None => report.refuse("the account is not there any more"),
        Some(account) if account.locked_at.is_some() => report.refuse("the account is locked"),
        Some(_) => {}
    }
    Ok(())
}

/// Of a token that an app was given for itself.
fn machine_stands(report: &mut Report) {
    if report.service.as_ref().is_some_and(|one| !one.machine) {
        report.refuse("its service takes no tokens of apps themselves any more");
    }
    if let Some(client) = report.client.clone() {
        scopes_stand(report, &client.scopes);
    }
}

fn scopes_stand(report: &mut Report, had: &[String]) {
    if scope::cut(&report.scopes, had).is_empty() {
        report.refuse("its app may have none of its scopes any more");
    }
}

fn grant_stands(
    c: &mut store::Conn<'_>,
    app: &App,
    report: &mut Report,
    grant: &Grant,
    now: Time,
) -> Result<(), Error> {
    if let Some(at) = grant.revoked_at {
        report.refuse(format!("it was ended at {}", at.rfc3339()));
    } else if !is_signed_in(c, app, grant, now)? {
        report.refuse("the browser session that it came from has ended");
    }
    Ok(())
}
