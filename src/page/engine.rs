//! The engine: a view and a language in, a page or a mail out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, context};

use super::asset::Source;
use super::text::{Arg, Catalogue, accepted};
use super::view::{Ability, ErrorPage};
use super::{Asset, Error, FieldError, Lang, Language, MailView, Shell, View, format};
use crate::oauth::service::Service;

/// A mail, ready for an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// The plain form.
    pub text: String,
    /// The HTML form, with the same words.
    pub html: String,
}

/// Templates, texts and static files. Clones share them.
#[derive(Clone)]
pub struct Engine {
    source: Source,
    catalogue: Catalogue,
    /// One environment for each language: `t` is bound to it.
    environments: Arc<BTreeMap<String, Environment<'static>>>,
}

impl Engine {
    /// Embedded files, overridden file by file from `folder` (`templates/`, `locales/`, `static/`).
    /// Every template is parsed now, so that a broken override stops the start.
    pub fn new(folder: Option<PathBuf>) -> Result<Self, Error> {
        let source = Source::new(folder)?;
        let catalogue = Catalogue::parse(&source.locales()?)?;
        let mut environments = BTreeMap::new();
        for lang in catalogue.languages() {
            environments.insert(
                lang.code.clone(),
                environment(&source, &catalogue, &lang.code),
            );
        }
        let engine = Self {
            source,
            catalogue,
            environments: Arc::new(environments),
        };
        let fallback = engine.catalogue.fallback();
        for name in super::asset::template_names() {
            engine.template(&fallback.code, &name)?;
        }
        Ok(engine)
    }

    /// A whole page.
    pub fn page<V: View>(&self, shell: &Shell, view: &V) -> Result<String, Error> {
        let name = format!("page/{}.html", V::TEMPLATE);
        self.render(
            &shell.lang.code,
            &name,
            context! { shell => Serde(shell), page => Serde(view) },
        )
    }

    /// A whole mail.
    pub fn mail<V: MailView>(&self, lang: &Lang, view: &V) -> Result<Mail, Error> {
        let one = |form: &str| {
            let name = format!("mail/{}.{form}", V::TEMPLATE);
            self.render(
                &lang.code,
                &name,
                context! { lang => Serde(lang), mail => Serde(view) },
            )
        };
        Ok(Mail {
            // A subject is one line, whatever a name in it holds.
            subject: one("subject")?
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            text: paragraphs(&one("txt")?),
            html: one("html")?,
        })
    }

    /// Offers these languages only, the first being the default; empty means all.
    #[must_use]
    pub fn offering(mut self, tags: &[String]) -> Self {
        self.catalogue.offer(tags);
        self
    }

    /// A shell with the languages filled in and nothing else decided.
    pub fn shell(&self, lang: &Lang, server: &str) -> Shell {
        Shell {
            server: server.to_owned(),
            lang: lang.clone(),
            languages: self
                .languages()
                .filter(|other| *other != lang)
                .map(|other| Language {
                    code: other.code.clone(),
                    name: other.name.clone(),
                    href: format!("?lang={}", other.code),
                })
                .collect(),
            contact: String::new(),
            account: None,
            app: None,
            step: None,
            notice: None,
            reference: String::new(),
            form: String::new(),
        }
    }

    /// A static file by its path below `/static/`.
    pub fn asset(&self, path: &str) -> Option<Asset> {
        self.source.asset(path)
    }

    /// Every language, by tag.
    pub fn languages(&self) -> impl Iterator<Item = &Lang> {
        self.catalogue.languages()
    }

    /// The language of a tag such as `de` or `de-AT`.
    pub fn language(&self, tag: &str) -> Option<&Lang> {
        self.catalogue.language(tag)
    }

    /// The language for a person: `ui_locales` (OpenID Connect Core 3.1.2.1), then the cookie, then
    /// `Accept-Language` (RFC 9110 12.5.4), then English.
    pub fn pick(
        &self,
        ui_locales: Option<&str>,
        cookie: Option<&str>,
        accept_language: Option<&str>,
    ) -> Lang {
        let asked = ui_locales.unwrap_or_default().split_whitespace().take(32);
        asked
            .chain(cookie)
            .chain(accepted(accept_language.unwrap_or_default()))
            .find_map(|tag| self.language(tag))
            .cloned()
            .unwrap_or_else(|| self.catalogue.fallback())
    }

    /// A text by its id. A missing one is logged, and the id stands in its place.
    pub fn text(&self, lang: &Lang, id: &str, args: &[(&str, String)]) -> String {
        let args: Vec<Arg> = args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        self.catalogue
            .text(&lang.code, id, &args)
            .unwrap_or_else(|cause| {
                tracing::error!(%cause, "text");
                id.to_owned()
            })
    }

    /// What a browser calls itself, kept as `Firefox on Linux`, in the reader's words.
    pub fn device(&self, lang: &Lang, kept: &str) -> String {
        match kept.split_once(" on ") {
            Some((browser, system)) => {
                let args = [
                    ("browser", browser.to_owned()),
                    ("system", system.to_owned()),
                ];
                self.text(lang, "device-on", &args)
            }
            None => kept.to_owned(),
        }
    }

    /// One thing to put right at a field.
    pub fn error(&self, lang: &Lang, field: &str, id: &str, args: &[(&str, String)]) -> FieldError {
        FieldError {
            field: field.to_owned(),
            text: self.text(lang, id, args),
        }
    }

    /// A known error page by its name: the texts `fault-NAME-heading`, `-what`, `-why`, `-todo`.
    pub fn fault(
        &self,
        lang: &Lang,
        status: u16,
        name: &str,
        args: &[(&str, String)],
    ) -> ErrorPage {
        let text = |part: &str| self.text(lang, &format!("fault-{name}-{part}"), args);
        ErrorPage {
            status,
            heading: text("heading"),
            what: text("what"),
            why: text("why"),
            todo: text("todo"),
            facts: Vec::new(),
            way: None,
        }
    }

    /// What an app will and will not be able to do with these scopes, in plain lines.
    pub fn abilities(&self, lang: &Lang, asked: &Asked<'_>) -> (Vec<Ability>, Vec<String>) {
        let has = |scope: &str| asked.scopes.iter().any(|one| one == scope);
        let can = asked
            .scopes
            .iter()
            .map(|scope| {
                let say = |id: &str, args: &[(&str, String)]| self.text(lang, id, args);
                let (text, detail) = match scope.as_str() {
                    "openid" => (say("scope-openid", &[]), String::new()),
                    "profile" => {
                        let who = format!("{}, {}", asked.name, asked.address);
                        (say("scope-profile", &[]), who)
                    }
                    "email" => (say("scope-email", &[]), asked.email.to_owned()),
                    "offline_access" => (
                        say("scope-offline-access", &[]),
                        say(
                            "scope-offline-access-detail",
                            &[("days", asked.days.to_string())],
                        ),
                    ),
                    "device_sso" => (say("scope-device-sso", &[]), String::new()),
                    other => match asked.services.iter().find(|one| one.scope == other) {
                        Some(one) => {
                            let server = [("server", one.server.clone())];
                            let [at] = server.clone();
                            match &one.said {
                                Some(said) => (said.clone(), say("scope-said-detail", &server)),
                                None if one.messenger => (
                                    say("scope-messenger", &server),
                                    say("scope-messenger-detail", &[]),
                                ),
                                None => (
                                    say("scope-service", &[at, ("scope", other.to_owned())]),
                                    String::new(),
                                ),
                            }
                        }
                        None => (
                            say("scope-other", &[("scope", other.to_owned())]),
                            String::new(),
                        ),
                    },
                };
                Ability {
                    text,
                    detail,
                    rows: Vec::new(),
                    scope: scope.clone(),
                    optional: asked.optional.contains(scope),
                }
            })
            .collect();
        let password = if has("email") {
            "cannot-password"
        } else {
            "cannot-password-email"
        };
        let account = if has("device_sso") {
            "cannot-account-alone"
        } else {
            "cannot-account"
        };
        let cannot = [password, account]
            .map(|id| self.text(lang, id, &[]))
            .into();
        (can, cannot)
    }

    fn render(&self, lang: &str, name: &str, context: minijinja::Value) -> Result<String, Error> {
        self.template(lang, name)?
            .render(context)
            .map_err(|error| Error::template(name, &error))
    }

    fn template(&self, lang: &str, name: &str) -> Result<minijinja::Template<'_, '_>, Error> {
        let fallback = super::text::FALLBACK;
        let environment = self
            .environments
            .get(lang)
            .or_else(|| self.environments.get(fallback));
        environment
            .ok_or_else(|| minijinja::Error::new(ErrorKind::TemplateNotFound, lang.to_owned()))
            .and_then(|environment| environment.get_template(name))
            .map_err(|error| Error::template(name, &error))
    }
}

/// Parts that a mail leaves out leave one empty line, not three.
fn paragraphs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines() {
        let now = line.trim().is_empty();
        if !(now && empty) {
            out.push_str(line);
            out.push('\n');
        }
        empty = now;
    }
    out
}

/// A scope of a service, and what it lets an app do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opens {
    /// The scope.
    pub scope: String,
    /// The service's name.
    pub server: String,
    /// It is a messenger server.
    pub messenger: bool,
    /// What the operator says of the scope.
    pub said: Option<String>,
}

impl Opens {
    /// Every scope of these services.
    pub fn all(services: &[Service]) -> Vec<Self> {
        let of = |service: &Service| -> Vec<Self> {
            let one = |scope: &String| Self {
                scope: scope.clone(),
                server: service.name.clone(),
                messenger: service.is_messenger(),
                said: service.words.scopes.get(scope).cloned(),
            };
            service.scopes.iter().map(one).collect()
        };
        services.iter().flat_map(of).collect()
    }
}

/// What `Engine::abilities` needs to know.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// The scopes, in order.
    pub scopes: &'a [String],
    /// Those of them that may be left out.
    pub optional: &'a [String],
    /// Scopes of services.
    pub services: &'a [Opens],
    /// The person's name.
    pub name: &'a str,
    /// The person's address in the messenger.
    pub address: &'a str,
    /// The person's e-mail address.
    pub email: &'a str,
    /// Days without use after which an app is signed out.
    pub days: u32,
}

fn environment(source: &Source, catalogue: &Catalogue, lang: &str) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    if let Ok(syntax) = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
    {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|name| match name.rsplit('.').next() {
        Some("html") => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment.set_formatter(format::write);
    let files = source.clone();
    environment.set_loader(move |name| {
        files.template(name).map_err(|error| {
            minijinja::Error::new(ErrorKind::InvalidOperation, "unreadable").with_source(error)
        })
    });
    format::add(&mut environment, source, catalogue, lang);
    environment
}
