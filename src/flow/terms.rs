//! Agreements: published from files, never changed; who accepted which; what is asked again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::account::Account;
use crate::account::terms::{self, Acceptance, Draft, Mistake, Version};
use crate::app::App;
use crate::clock::Time;
use crate::flow::Visitor;
use crate::store::{self, Conn, Error};

/// The agreement that dev mode brings with it.
const SAMPLE: [&str; 2] = [
    include_str!("../../templates/terms-sample.md"),
    include_str!("../../templates/terms-sample.de.md"),
];

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A file or the folder cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is no agreement.
    #[error("{}: {mistake}", path.display())]
    Mistake {
        /// Which.
        path: PathBuf,
        /// What is wrong, with its line.
        mistake: Mistake,
    },
    /// Two files are the same agreement in the same language.
    #[error("{}: another file has this agreement in {language} as well", path.display())]
    Twice {
        /// The second of them.
        path: PathBuf,
        /// The language.
        language: String,
    },
    /// The languages of one version differ in what holds for all of them.
    #[error("{document} differs in {key} between {one} and {other}")]
    Differs {
        /// Which agreement.
        document: String,
        /// `in_force`, `grace_days` or `optional`.
        key: &'static str,
        /// One language.
        one: String,
        /// The other.
        other: String,
    },
    /// There is no agreement there.
    #[error("{}: no file that ends in .md", .0.display())]
    Empty(PathBuf),
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What publishing did with one agreement in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which agreement.
    pub document: String,
    /// Its language.
    pub language: String,
    /// The version that stands now.
    pub version: i64,
    /// Its digest, in hex.
    pub sha256: String,
    /// From when on it counts.
    pub in_force_at: Time,
    /// When it was published.
    pub published_at: Time,
    /// It was published by this very call.
    pub new: bool,
}

/// Publishes the agreements of a folder, or of one file. `terms.md`, `terms.en.md` and
/// `terms.de.md` are one agreement, `terms`. What has not changed stays as it is; when one
/// language has, all of them get the next version.
///
/// # Errors
/// [`Refused`]: nothing was published then.
pub async fn publish(app: &Arc<App>, path: &Path) -> Result<Vec<Published>, Refused> {
    let drafts = read(path)?;
    publish_drafts(app, drafts).await?
}

/// Publishes the sample agreement when there is none: for dev mode.
///
/// # Errors
/// When the database does not answer.
pub async fn publish_sample(app: &Arc<App>) -> Result<(), Error> {
    if !app.store.read(store::terms::list).await?.is_empty() {
        return Ok(());
    }
    let drafts = SAMPLE
        .iter()
        .map(|text| terms::parse("terms", text))
        .collect::<Result<_, _>>()
        .map_err(|mistake| Error::Broken(format!("the sample agreement: {mistake}")))?;
    match publish_drafts(app, drafts).await? {
        Ok(_) => Ok(()),
        Err(refused) => Err(Error::Broken(format!("the sample agreement: {refused}"))),
    }
}

async fn publish_drafts(
    app: &Arc<App>,
    drafts: Vec<Draft>,
) -> Result<Result<Vec<Published>, Refused>, Error> {
    let now = app.clock.now();
    app.store
        .write(move |c| {
            store::terms::lock(c)?;
            let standing = store::terms::list(c)?;
            let mut documents: BTreeMap<&str, Vec<&Draft>> = BTreeMap::new();
            for draft in &drafts {
                documents.entry(&draft.document).or_default().push(draft);
            }
            for (document, languages) in &documents {
                if let Some(refused) = differ(&standing, document, languages, now) {
                    return Ok(Err(refused));
                }
            }
            let mut done = Vec::new();
            for (document, languages) in documents {
                done.extend(publish_one(c, &standing, document, &languages, now)?);
            }
            Ok(Ok(done))
        })
        .await
}

/// What holds for all languages of a version, where a file says something else: a person who
/// changes the language would be asked for another thing.
fn differ(
    standing: &[Version],
    document: &str,
    languages: &[&Draft],
    now: Time,
) -> Option<Refused> {
    // A date that has passed is as good as none.
    let of_draft = |draft: &Draft| {
        let from = draft.in_force_at.unwrap_or(now).max(now);
        (
            draft.language.clone(),
            from,
            draft.grace_days,
            draft.optional,
        )
    };
    let of_version = |it: &Version| {
        let from = it.in_force_at.max(now);
        (it.language.clone(), from, it.grace_days, it.optional)
    };
    let (number, changed) = next(standing, document, languages);
    let beside = standing.iter().filter(|it| {
        let again = languages.iter().any(|draft| draft.language == it.language);
        it.document == document && it.version == number && !changed && !again
    });
    let all: Vec<_> = beside
        .map(of_version)
        .chain(languages.iter().map(|draft| of_draft(draft)))
        .collect();
    let (first, others) = all.split_first()?;
    others.iter().find_map(|other| {
        let key = match () {
            () if first.1 != other.1 => "in_force",
            () if first.2 != other.2 => "grace_days",
            () if first.3 != other.3 => "optional",
            () => return None,
        };
        Some(Refused::Differs {
            document: document.to_owned(),
            key,
            one: first.0.clone(),
            other: other.0.clone(),
        })
    })
}

/// The version that files become, and whether one of them is not as it stands.
fn next(standing: &[Version], document: &str, languages: &[&Draft]) -> (i64, bool) {
    let of = || standing.iter().filter(|it| it.document == document);
    let newest = of().map(|it| it.version).max();
    let changed = languages.iter().any(|draft| {
        let mut stands = of().filter(|it| Some(it.version) == newest);
        stands.any(|it| it.language == draft.language && it.sha256 != draft.sha256())
    });
    match newest {
        None => (1, changed),
        Some(newest) if changed => (newest + 1, changed),
        Some(newest) => (newest, changed), // a further translation of the version that stands
    }
}

fn publish_one(
    c: &mut Conn<'_>,
    standing: &[Version],
    document: &str,
    languages: &[&Draft],
    now: Time,
) -> Result<Vec<Published>, Error> {
    let of = |version: &&Version| version.document == document;
    let newest = standing.iter().filter(of).map(|it| it.version).max();
    let stands = |draft: &Draft| {
        standing
            .iter()
            .filter(of)
            .find(|it| Some(it.version) == newest && it.language == draft.language)
    };
    let (number, changed) = next(standing, document, languages);
    let mut done = Vec::new();
    for draft in languages {
        let had = stands(draft).filter(|_| !changed);
        let version = match had {
            Some(version) => version.clone(),
            None => (*draft).clone().publish(number, now),
        };
        let new = had.is_none() && store::terms::publish(c, &version)?;
        done.push(Published {
            document: version.document,
            language: version.language,
            version: version.version,
            sha256: version.sha256,
            in_force_at: version.in_force_at,
            published_at: version.published_at,
            new,
        });
    }
    Ok(done)
}

/// Reads a folder of agreements, or one file.
fn read(path: &Path) -> Result<Vec<Draft>, Refused> {
    let unreadable = |path: &Path, source| Refused::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut files: Vec<PathBuf> = if path.is_dir() {
        std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(|source| unreadable(path, source))?
    } else {
        vec![path.to_owned()]
    };
    files.retain(|file| file.extension().is_some_and(|end| end == "md"));
    files.sort();
    if files.is_empty() {
        return Err(Refused::Empty(path.to_owned()));
    }
    let mut drafts: Vec<Draft> = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let document = name.split('.').next().unwrap_or_default();
        let draft = match terms::parse(document, &text) {
            Ok(draft) => draft,
            Err(mistake) => return Err(Refused::Mistake { path, mistake }),
        };
        let same = |had: &Draft| had.document == draft.document && had.language == draft.language;
        if drafts.iter().any(same) {
            let language = draft.language;
            return Err(Refused::Twice { path, language });
        }
        drafts.push(draft);
    }
    Ok(drafts)
}

/// All published versions, by document, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &Arc<App>) -> Result<Vec<Version>, Error> {
    app.store.read(store::terms::list).await
}

/// The versions in force, one of each document, in the language nearest to `language`.
///
/// # Errors
/// When the database does not answer.
pub async fn in_force(app: &Arc<App>, language: &str) -> Result<Vec<Version>, Error> {
    super::signup::agree::documents(app, language).await
}

/// How a file, or each file of a folder, differs from the version that stands: document,
/// language, the standing text and the file's, both in their canonical form.
///
/// # Errors
/// [`Refused`].
pub async fn diff(app: &Arc<App>, path: &Path) -> Result<Vec<Difference>, Refused> {
    let drafts = read(path)?;
    let standing = list(app).await?;
    Ok(drafts
        .into_iter()
        .map(|draft| {
            let newest = standing
                .iter()
                .filter(|it| it.document == draft.document && it.language == draft.language)
                .max_by_key(|it| it.version);
            Difference {
                version: newest.map(|it| it.version),
                standing: newest.map(file).unwrap_or_default(),
                file: draft.render(),
                document: draft.document,
                language: draft.language,
            }
        })
        .collect())
}

/// An agreement that stands beside the file that may replace it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which agreement.
    pub document: String,
    /// Its language.
    pub language: String,
    /// The version that stands, if one does.
    pub version: Option<i64>,
    /// Its canonical file; empty when none stands.
    pub standing: String,
    /// The canonical form of the file.
    pub file: String,
}

/// The canonical file of a version, to the letter: what its digest is of.
pub fn file(version: &Version) -> String {
    let with = |in_force_at| Draft {
        document: version.document.clone(),
        title: version.title.clone(),
        language: version.language.clone(),
        in_force_at,
        summary: version.summary.clone(),
        changes: version.changes.clone(),
        grace_days: version.grace_days,
        optional: version.optional,
        text: version.text.clone(),
    };
    // A file without a date counts from the moment of its publication.
    let dated = with(Some(version.in_force_at));
    if dated.sha256() == version.sha256 {
        dated.render()
    } else {
        with(None).render()
    }
}

/// Who accepted a document: usernames and acceptances, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn who(app: &Arc<App>, document: &str) -> Result<Vec<(String, Acceptance)>, Error> {
    let document = document.to_owned();
    app.store
        .read(move |c| store::terms::who(c, &document))
        .await
}

/// What a person is asked to accept at sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Nothing that is due was ever accepted in an older version.
    pub first: bool,
    /// To be accepted before going on.
    pub must: Vec<Version>,
    /// Asked for, and may wait.
    pub may_wait: Vec<Version>,
    /// When the first of those that may wait no longer may.
    pub wait_until: Option<Time>,
}

impl Due {
    /// Nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.must.is_empty() && self.may_wait.is_empty()
    }

    /// All that is asked for, what must be first.
    pub fn all(&self) -> impl Iterator<Item = &Version> {
        self.must.iter().chain(&self.may_wait)
    }
}

/// What an account is asked to accept at sign-in, in `language`; nothing when the operator does not
/// ask again.
///
/// # Errors
/// When the database does not answer.
pub async fn due(app: &Arc<App>, account_id: &str, language: &str) -> Result<Due, Error> {
    let (ask_again, now) = (app.config.terms.ask_again_on_change, app.clock.now());
    let (id, language) = (account_id.to_owned(), language.to_owned());
    app.store
        .read(move |c| due_in(c, ask_again, &id, &language, now))
        .await
}

/// As [`due`], on a connection of the caller's.
///
/// # Errors
/// When the database does not answer.
pub fn due_in(
    c: &mut Conn<'_>,
    ask_again: bool,
    account_id: &str,
    language: &str,
    now: Time,
) -> Result<Due, Error> {
    if !ask_again {
        return Ok(Due::default());
    }
    let published = store::terms::list(c)?;
    let accepted = store::terms::accepted(c, account_id)?;
    let due = terms::due(&published, &accepted, language, now);
    let own = |list: Vec<&Version>| list.into_iter().cloned().collect();
    Ok(Due {
        first: due.first,
        must: own(due.must),
        may_wait: own(due.may_wait),
        wait_until: due.wait_until,
    })
}

/// Puts what may wait off until the next sign-in.
///
/// # Errors
/// When the database does not answer.
pub async fn put_off(app: &Arc<App>, sid: &str) -> Result<(), Error> {
    let sid = sid.to_owned();
    app.store
        .write(move |c| store::browser::put_terms_off(c, &sid, true))
        .await
}

/// Records that a person accepts what is due, if it is what the page showed: `seen` holds
/// document, version and language of each. `false` when something newer came meanwhile.
///
/// # Errors
/// When the database does not answer.
pub async fn accept(
    app: &Arc<App>,
    account: &Account,
    language: &str,
    seen: Vec<(String, i64, String)>,
    visitor: &Visitor,
) -> Result<bool, Error> {
    let (ask_again, now) = (app.config.terms.ask_again_on_change, app.clock.now());
    let (id, language) = (account.id.clone(), language.to_owned());
    let line = visitor.event(app, &account.id, "terms", now);
    let (device, network) = (visitor.agent.clone(), visitor.network());
    app.store
        .write(move |c| {
            if !store::account::stays(c, &id)? {
                return Ok(false);
            }
            let due = due_in(c, ask_again, &id, &language, now)?;
            let shown = |one: &Version| {
                seen.iter().any(|(document, version, language)| {
                    *document == one.document
                        && *version == one.version
                        && *language == one.language
                })
            };
            if !due.all().all(shown) {
                return Ok(false);
            }
            for version in due.all() {
                store::terms::accept(c, &id, &version.accept(now))?;
            }
            let titles: Vec<&str> = due.all().map(|one| one.title.as_str()).collect();
            let detail = serde_json::json!({
                "device": device,
                "network": network,
                "title": titles.join(", "),
            });
            store::event::add(
                c,
                &store::event::Event {
                    detail: detail.to_string(),
                    ..line.clone()
                },
            )?;
            Ok(true)
        })
        .await
}
