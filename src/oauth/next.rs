//! What a person sees next on the way to a code (PROTOCOL.md 3, OpenID Connect Core 3.1.2.3).

use super::authorize::Checked;
use super::error::{Code, Problem};
use super::redirect::Kind;
use super::scope::{self, EMAIL, OPENID, PROFILE};
use crate::clock::Time;

/// A live session of this browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Whose.
    pub account_id: String,
    /// How the client knows them.
    pub sub: String,
    /// Its stable id.
    pub sid: String,
    /// The username, to find the one that `login_hint` means.
    pub username: String,
    /// The address, for the same.
    pub email: String,
    /// When the person last proved who they are.
    pub auth_time: Time,
    /// A newer agreement waits for this person.
    pub terms_due: bool,
    /// The scopes that this person already allows this client.
    pub consent: Vec<String>,
}

/// An answer to the consent page. It holds for the person who gave it, not for another account
/// picked afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Who allowed it.
    pub account_id: String,
    /// The scopes left ticked.
    pub scopes: Vec<String>,
}

/// What is known of the browser and of what was done in it for this request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserView {
    /// Its live sessions.
    pub sessions: Vec<SessionView>,
    /// When the request arrived.
    pub request_made_at: Time,
    /// The subject of the request's `id_token_hint`, once verified.
    pub hinted: Option<String>,
    /// The account last picked in the chooser, signed in to or made for this request: by a click
    /// bound to it. Set again by each of the three, so that the latest counts.
    pub chosen: Option<String>,
    /// The account whose "Continue as" was clicked for this request.
    pub confirmed: Option<String>,
    /// The account whose password (or passkey) was given for this request.
    pub password_typed: Option<String>,
    /// The account that was made for this request.
    pub account_made: Option<String>,
    /// What was ticked on the consent page of this request.
    pub allowed: Option<Allowed>,
    /// "Do not allow" was clicked for this request.
    pub declined: bool,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The sign-up wizard.
    Create,
    /// The sign-in page.
    SignIn {
        /// What to fill in.
        hint: Option<String>,
    },
    /// The chooser.
    Choose,
    /// The password again, of this account.
    Confirm {
        /// Whose.
        account_id: String,
    },
    /// "Continue as …", one click.
    ContinueAs {
        /// Whose.
        account_id: String,
    },
    /// The newer agreement.
    Terms {
        /// Whose.
        account_id: String,
    },
    /// The consent page.
    Consent {
        /// Whose.
        account_id: String,
        /// What is asked for.
        scopes: Vec<String>,
    },
    /// A code.
    Issue {
        /// Whose.
        account_id: String,
        /// The session that it comes from.
        sid: String,
        /// What is granted.
        scopes: Vec<String>,
    },
    /// An error, sent back to the client.
    Refuse(Problem),
}

/// Decides what comes next. Every detour comes back here; with unchanged input the answer is
/// the same.
pub fn next(request: &Checked, browser: &BrowserView, now: Time) -> Next {
    let refuse = |code, why: &str| Next::Refuse(Problem::new(code, why));
    if browser.declined {
        return refuse(Code::AccessDenied, "the person did not allow it");
    }
    let silently = request.prompt.none;
    // Initiating User Registration 1.0, 4.1
    if request.prompt.create && browser.account_made.is_none() {
        return Next::Create;
    }
    let session = match pick(request, browser) {
        Pick::Session(session) => session,
        Pick::None if silently => return refuse(Code::LoginRequired, "nobody is signed in"),
        Pick::None => {
            return Next::SignIn {
                hint: request.login_hint.clone(),
            };
        }
        Pick::Several if silently => {
            return refuse(
                Code::AccountSelectionRequired,
                "which account is meant is not plain",
            );
        }
        Pick::Several => return Next::Choose,
        // OpenID Connect Core 3.1.2.2: never answer with another person than the hint's.
        Pick::Other => {
            return refuse(
                Code::LoginRequired,
                "another person signed in than id_token_hint names",
            );
        }
    };
    let whose = || session.account_id.clone();
    let typed = is(&browser.password_typed, session) || is(&browser.account_made, session);

    if !(typed || is_fresh(request, session, browser.request_made_at, now)) {
        if silently {
            return refuse(Code::LoginRequired, "the last proof is too old");
        }
        return Next::Confirm {
            account_id: whose(),
        };
    }
    if session.terms_due {
        if silently {
            return refuse(Code::InteractionRequired, "a newer agreement waits");
        }
        return Next::Terms {
            account_id: whose(),
        };
    }
    let allowed = browser
        .allowed
        .as_ref()
        .filter(|allowed| !silently && allowed.account_id == session.account_id);
    let asked = request.asked();
    let scopes = match allowed {
        Some(allowed) => scope::cut(&asked, &allowed.scopes),
        None => asked.clone(),
    };
    // `openid` is no choice: without it there is no sign-in (OpenID Connect Core 3.1.2.1).
    let none = scope::cut(&request.scopes, &scopes).is_empty();
    if none || scope::has(&request.scopes, OPENID) && !scope::has(&scopes, OPENID) {
        return refuse(Code::AccessDenied, "the person did not allow it");
    }
    let on_file = request.first_party || scope::within(&asked, &session.consent);
    // What is asked for in detail is never on file (RFC 9396 11.1).
    let new = !request.first_party && !request.details.is_empty();
    let asks = request.prompt.consent || !on_file || new;
    if asks && allowed.is_none() {
        if silently {
            return refuse(Code::ConsentRequired, "the person has not allowed this yet");
        }
        return Next::Consent {
            account_id: whose(),
            scopes: asked,
        };
    }
    // PROTOCOL.md 3: the password, the chooser and the consent page are clicks too.
    let clicked = is(&browser.confirmed, session)
        || typed
        || is(&browser.chosen, session)
        || allowed.is_some();
    if !request.silent && (silently || !clicked) {
        if silently {
            let problem = Problem::new(Code::InteractionRequired, "this client needs a click");
            // What any app can claim stays with it, and so does one that nobody has looked at.
            let may = request.redirect.kind() == Kind::Loopback && !request.unchecked;
            return Next::Refuse(match may {
                true => problem.mend(format!(
                    "gerege client edit {} --silent true",
                    request.client_id
                )),
                false => problem,
            });
        }
        return Next::ContinueAs {
            account_id: whose(),
        };
    }
    Next::Issue {
        account_id: whose(),
        sid: session.sid.clone(),
        scopes,
    }
}

enum Pick<'a> {
    Session(&'a SessionView),
    None,
    Several,
    Other,
}

/// Whether a client may learn, without a page, that this person is here: one that they allow
/// something. Else any app could ask, unseen, who sits in front of it (SECURITY R60).
pub fn may_tell(request: &Checked, session: &SessionView) -> bool {
    request.first_party || !session.consent.is_empty()
}

/// Whose session is meant.
fn pick<'a>(request: &Checked, browser: &'a BrowserView) -> Pick<'a> {
    let silently = request.prompt.none;
    let find = |account: &str| {
        browser
            .sessions
            .iter()
            .find(|session| session.account_id == account)
    };
    let other = |session: &SessionView| {
        let hinted = browser.hinted.as_ref();
        hinted.is_some_and(|hinted| *hinted != session.account_id)
    };
    if !silently {
        let acted = [
            &browser.chosen,
            &browser.password_typed,
            &browser.account_made,
        ];
        let mut acted = acted.into_iter().flatten().peekable();
        if acted.peek().is_some() {
            return match acted.find_map(|account| find(account)) {
                None => Pick::None, // signed out meanwhile
                Some(session) if other(session) => Pick::Other,
                Some(session) => Pick::Session(session),
            };
        }
    }
    if let Some(hinted) = &browser.hinted {
        return find(hinted)
            .filter(|session| !silently || may_tell(request, session))
            .map_or(Pick::None, Pick::Session);
    }
    // To one that nobody here has looked at, whoever has not let it in is not here.
    let seen: Vec<&SessionView> = browser
        .sessions
        .iter()
        .filter(|session| !(silently && request.unchecked) || may_tell(request, session))
        .collect();
    match seen.as_slice() {
        [] => Pick::None,
        _ if request.prompt.select_account => Pick::Several,
        sessions => match (&request.login_hint, sessions) {
            (Some(hint), _) => sessions
                .iter()
                .find(|session| means(hint, session, request))
                .map_or(Pick::Several, |session| Pick::Session(session)),
            (None, [only]) => Pick::Session(only),
            (None, _) => Pick::Several,
        },
    }
}

/// Whether a hint names a person. Where no page is shown, the answer tells the client: by a name
/// or address only of those who let it see that.
fn means(hint: &str, session: &SessionView, request: &Checked) -> bool {
    let silently = request.prompt.none;
    if silently && !may_tell(request, session) {
        return false;
    }
    let told = |name| !silently || request.first_party || scope::has(&session.consent, name);
    told(PROFILE) && hint.eq_ignore_ascii_case(&session.username)
        || told(EMAIL) && hint.eq_ignore_ascii_case(&session.email)
        || hint == session.sub
}

fn is(account: &Option<String>, session: &SessionView) -> bool {
    account.as_ref() == Some(&session.account_id)
}

/// `prompt=login` and `max_age` are met by a proof after the request was made (PROTOCOL.md 3),
/// else `max_age=0` would ask for ever.
fn is_fresh(request: &Checked, session: &SessionView, made_at: Time, now: Time) -> bool {
    if session.auth_time > made_at {
        return true;
    }
    !request.prompt.login
        && request
            .max_age
            .is_none_or(|longest| now.since(session.auth_time) <= longest)
}

#[cfg(test)]
#[path = "next_test.rs"]
mod tests;
