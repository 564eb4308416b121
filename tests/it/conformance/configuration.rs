//! The configuration that docs/conformance.md hands out: its browser part walks through our real
//! pages, command by command, as the Foundation's suite would.

use std::path::Path;

use super::*;

/// The blocks of JSON on the page.
fn blocks() -> Vec<Value> {
    let page = include_str!("../../../docs/conformance.md");
    let blocks = page.split("```json\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap_or_default())
        .map(|text| serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect()
}

fn browser_part() -> Value {
    let mut all = blocks().into_iter();
    all.find(|block| block.get("browser").is_some())
        .expect("a browser part")
}

/// A pattern with stars, as the suite matches addresses.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            rest.is_empty()
                || (0..=text.len()).any(|at| text.is_char_boundary(at) && fits(rest, &text[at..]))
        }),
    }
}

/// A browser that does what the tasks say.
struct Runner<'a> {
    suite: &'a mut Suite,
    here: Answer,
    fields: Vec<(String, String)>,
    /// Titles that were waited for and seen.
    seen: Vec<String>,
    done: Vec<String>,
}

impl Runner<'_> {
    /// Where it is, with the names that the page of the configuration has.
    fn at(&self) -> String {
        match self.here.header("location") {
            Some(to) if !to.starts_with('/') && !to.starts_with(&self.suite.app.origin) => {
                to.to_owned()
            }
            _ => format!("https://id.steppe.example{}", self.here.path),
        }
    }

    fn run(&mut self, tasks: &Value) {
        for task in tasks.as_array().unwrap() {
            let pattern = task["match"].as_str().unwrap();
            if !fits(pattern, &self.at()) {
                assert_eq!(task["optional"], true, "{} at {}", task["task"], self.at());
                continue;
            }
            for command in task["commands"].as_array().into_iter().flatten() {
                self.obey(command);
            }
            self.done.push(task["task"].as_str().unwrap().to_owned());
        }
    }

    fn obey(&mut self, command: &Value) {
        let word = |at: usize| command[at].as_str().unwrap_or_default();
        let html = self.here.text();
        match (word(0), word(1)) {
            // The suite's own page.
            ("wait", "id") => assert_eq!(word(2), "submission_complete"),
            ("wait", "xpath") => {
                let found = word(4).split('|').find(|title| html.contains(title));
                let found =
                    found.unwrap_or_else(|| panic!("{} has none of {}", self.at(), word(4)));
                self.seen.push(found.to_owned());
            }
            ("wait", "name") => assert!(html.contains(&format!("name=\"{}\"", word(2)))),
            ("text", "name") => {
                let name = format!("name=\"{}\"", word(2));
                let inputs = html.matches("<input").count();
                assert!(
                    inputs > 0 && html.contains(&name),
                    "{name} at {}",
                    self.at()
                );
                self.fields.push((word(2).into(), word(3).into()));
            }
            ("click", "css") => match button(&html, word(2)) {
                Some(pressed) => self.press(pressed),
                None => assert_eq!(word(3), "optional", "{} at {}", word(2), self.at()),
            },
            other => panic!("the suite knows no {other:?}"),
        }
    }

    fn press(&mut self, pressed: Option<(String, String)>) {
        let mut fields = std::mem::take(&mut self.fields);
        let ticked = self.here.ticked("scope");
        fields.extend(ticked.into_iter().map(|scope| ("scope".to_owned(), scope)));
        fields.extend(pressed);
        // What a browser sends by itself.
        for name in ["seen_terms", "seen_privacy"] {
            let seen = self.here.hidden(name);
            fields.extend(seen.map(|seen| (name.to_owned(), seen)));
        }
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let sent = self.suite.browser.submit(&self.here.clone(), &fields);
        self.here = self.suite.browser.arrive(sent);
    }
}

/// The first button that a selector of ours finds, and what it sends.
fn button(html: &str, selector: &str) -> Option<Option<(String, String)>> {
    let (_, wanted) = selector.split_once("button[").expect("a button");
    let wanted = wanted.strip_suffix(']').expect("one attribute");
    let main = html.split("<main").nth(1).unwrap_or_default();
    let tags = main.split("<button").skip(1);
    let mut tags = tags.filter_map(|tag| tag.split('>').next());
    let (name, value) = match wanted.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (wanted, None),
    };
    let tag = tags.find(|tag| {
        let had = attribute(&format!("{tag} "), name);
        had.is_some_and(|had| value.is_none_or(|value| had == value))
    })?;
    let pair = (attribute(tag, "name"), attribute(tag, "value"));
    Some(pair.0.zip(pair.1))
}

/// Opens an address and does what the configuration says about it; gives where that ended, which
/// tasks were done and which titles were seen.
fn walk(suite: &mut Suite, entries: &Value, at: &str) -> (Answer, Vec<String>, Vec<String>) {
    let full = format!("https://id.steppe.example{at}");
    let mut entries = entries.as_array().unwrap().iter();
    let entry = entries
        .find(|entry| fits(entry["match"].as_str().unwrap(), &full))
        .unwrap_or_else(|| panic!("nothing about {at}"));
    let first = suite.browser.get(at);
    let here = suite.browser.arrive(first);
    let mut runner = Runner {
        suite,
        here,
        fields: Vec::new(),
        seen: Vec::new(),
        done: Vec::new(),
    };
    runner.run(&entry["tasks"]);
    (runner.here, runner.done, runner.seen)
}

#[test]
fn the_browser_part_walks_our_pages() {
    let part = browser_part();
    let entries = &part["browser"];
    let mut suite = Suite::new();
    let at = suite.request(&[]);
    let (back, done, _) = walk(&mut suite, entries, &at);
    assert_eq!(done, ["Sign in", "Allow", "Back at the suite"]);
    assert!(parameters(&back.is(303), '?').contains_key("code"));
    // Whoever is signed in is asked for what is missing, and for nothing else.
    for (other, tasks, title) in [
        (("state", "again"), &["Back at the suite"][..], ""),
        (("prompt", "none"), &["Back at the suite"], ""),
        (
            ("prompt", "login"),
            &["Prove it again", "Back at the suite"],
            "Confirm it is you",
        ),
        (("prompt", "consent"), &["Allow", "Back at the suite"], ""),
        (
            ("prompt", "select_account"),
            &["Choose an account", "Back at the suite"],
            "",
        ),
        (("response_type", "token"), &[], ""),
        (
            ("redirect_uri", "https://suite.example/other"),
            &["An error page"],
            "This app is not set up correctly",
        ),
        (
            ("client_id", ""),
            &["An error page"],
            "The app asked in a way we do not understand",
        ),
    ] {
        let at = suite.request(&[other]);
        let (_, done, seen) = walk(&mut suite, entries, &at);
        if other.0 == "response_type" {
            // It leads back with an error in the fragment, which the pattern takes as well.
            assert_eq!(done, ["Back at the suite"], "{other:?}");
            continue;
        }
        assert_eq!(done, tasks, "{other:?}");
        assert_eq!(seen.first().map_or("", String::as_str), title, "{other:?}");
    }
    let gone = "/oauth2/authorize?client_id=suite&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax";
    let (_, _, seen) = walk(&mut suite, entries, gone);
    assert_eq!(seen, ["That sign-in has run out"]);
    crate::terms::publish(&suite.app, "terms", "We moved");
    let mut other = Suite {
        browser: suite.app.browser(),
        ..suite
    };
    let at = other.request(&[("state", "agreed")]);
    let (_, done, _) = walk(&mut other, entries, &at);
    assert_eq!(done, ["Sign in", "Accept the terms", "Back at the suite"]);
    let mut suite = other;
    suite.app.deliver();
    // Signing out, asked and not asked.
    let (_, _, seen) = walk(&mut suite, entries, "/oauth2/logout?id_token_hint=x.y.z");
    assert_eq!(seen, ["The app could not sign you out"]);
    let (_, done, seen) = walk(&mut suite, entries, "/oauth2/logout");
    assert_eq!(done.len(), 2);
    assert_eq!(seen, ["You are signed out"]);
    let (_, hint) = {
        let (tokens, _) = suite.sign_in(&[]);
        ((), tokens["id_token"].as_str().unwrap().to_owned())
    };
    let fields = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", SIGNED_OUT),
    ];
    let at = format!("/oauth2/logout?{}", encode(&fields));
    let (back, done, _) = walk(&mut suite, entries, &at);
    assert_eq!(back.location(), SIGNED_OUT);
    assert_eq!(done, ["Back at the suite"]);
}

#[test]
fn each_override_walks_our_pages() {
    let part = browser_part();
    let all = part["override"].as_object().unwrap();
    for (module, over) in all {
        // Each is a module that we have under the same name.
        let name = module.replace('-', "_");
        let ours = [
            include_str!("fapi2/security.rs"),
            include_str!("fapi2/request.rs"),
        ];
        assert!(
            ours.iter()
                .any(|text| text.contains(&format!("fn {name}("))),
            "{module}"
        );
        let mut suite = Suite::new();
        let entries = over["browser"].as_array().unwrap();
        let at = suite.request(&[]);
        for entry in entries {
            let one = Value::Array(vec![entry.clone()]);
            let (here, done, _) = walk(&mut suite, &one, &at);
            if entry.get("match-limit").is_some() {
                assert!(here.path.starts_with("/signin?"), "{module}");
                continue;
            }
            assert_eq!(done.last().map(String::as_str), Some("Back at the suite"));
            let answer = parameters(&here.is(303), '?');
            let denied = module.ends_with("user-rejects-authentication");
            assert_eq!(answer.contains_key("code"), !denied, "{module}");
        }
    }
}

/// The clients of the configuration are those that the commands make and the tests use.
#[test]
fn the_clients_are_those_of_the_tests() {
    let page = include_str!("../../../docs/conformance.md");
    let mut named = 0;
    for block in blocks() {
        for name in ["client", "client2", "client_secret_post"] {
            if let Some(id) = block[name]["client_id"].as_str() {
                assert!(page.contains(&format!("gerege client add {id} ")), "{id}");
                named += 1;
            }
        }
    }
    assert_eq!(named, 7);
    assert!(page.contains(CALLBACK) && page.contains(SIGNED_OUT));
}

/// Names of the suite's that have a `_`, which no function's name can tell from a `-`.
const UNDERSCORED: [&str; 7] = [
    "fapi2-security-profile-final-par-attempt-reuse-request_uri",
    "fapi2-security-profile-final-par-attempt-to-use-expired-request_uri",
    "fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client",
    "fapi2-security-profile-final-par-authorization-request-containing-request_uri",
    "fapi2-security-profile-final-par-authorization-request-containing-request_uri-form-param",
    "oidcc-3rd_party-init-login",
    "oidcc-3rd_party-init-login-nohttps",
];

/// The modules that a file has, by the suite's names.
fn modules(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("fn "));
    let names = names.filter_map(|line| Some(line.split_once('(')?.0));
    names
        .filter(|name| name.starts_with("oidcc_") || name.starts_with("fapi"))
        .map(|name| {
            let name = name.replace('_', "-");
            let mut known = UNDERSCORED.iter();
            let known = known.find(|known| known.replace('_', "-") == name);
            known.map_or(name, ToString::to_string)
        })
        .collect()
}

/// Each file of modules stands in the table of plans, and each module in the list.
#[test]
fn the_page_names_the_modules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/it/conformance");
    let page = root.join("docs/conformance.md");
    let there = std::fs::read_to_string(&page).unwrap();
    let (head, list) = there.split_once("A test keeps this list.\n\n").unwrap();
    let table = head.split("## 1.").next().unwrap();
    let inside = |folder: &Path| -> Vec<std::path::PathBuf> {
        let all = std::fs::read_dir(folder).unwrap();
        all.map(|file| file.unwrap().path()).collect()
    };
    let plans = ["", "ciba", "fapi2"].map(|plan| inside(&folder.join(plan)));
    let mut files = plans.concat();
    files.sort();
    let mut wanted = String::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let name = file.strip_prefix(&folder).unwrap().to_str().unwrap();
        let own = modules(file);
        if own.is_empty() {
            continue;
        }
        let plan = name
            .split_once('/')
            .map_or(name.to_owned(), |(plan, _)| format!("{plan}/"));
        assert!(table.contains(&format!("`{plan}`")), "{plan}");
        let own: Vec<String> = own.iter().map(|name| format!("`{name}`")).collect();
        wanted.push_str(&format!("- `{name}` ({}): {}\n", own.len(), own.join(", ")));
    }
    // The basic plan, whole.
    assert!(wanted.contains("`basic.rs` (39)"), "{wanted}");
    if std::env::var_os("UPDATE").is_some() {
        let marked = "A test keeps this list.\n\n";
        std::fs::write(&page, format!("{head}{marked}{wanted}")).unwrap();
        return;
    }
    assert!(
        list == wanted,
        "UPDATE=1 writes the list of docs/conformance.md anew"
    );
}

/// The rows of the table of names: a page, its fields, its buttons.
fn names() -> Vec<(String, Vec<String>, Vec<String>)> {
    let page = include_str!("../../../docs/conformance.md");
    let table = page.split("| page | fields | buttons |").nth(1).unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let quoted = |cell: &str| -> Vec<String> {
        let parts = cell.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        (
            quoted(cells[0]).remove(0),
            quoted(cells[1]),
            quoted(cells[2]),
        )
    })
    .collect()
}

#[test]
fn the_names_stand_on_our_pages() {
    let mut suite = Suite::new();
    let mut pages: BTreeMap<String, Answer> = BTreeMap::new();
    let mut keep = |page: &Answer| {
        let path = page.path.split('?').next().unwrap_or_default().to_owned();
        pages.insert(path, page.clone().is(200));
    };
    let scope = ("scope", "openid profile email offline_access");
    let at = suite.request(&[scope, ("prompt", "consent")]);
    let first = suite.browser.get(&at);
    let page = suite.browser.arrive(first);
    keep(&page);
    let fields = [("login", PERSON), ("password", PASSWORD)];
    let signed = suite.browser.submit(&page, &fields);
    keep(&suite.browser.arrive(signed));
    for prompt in ["login", "select_account"] {
        let at = suite.request(&[("prompt", prompt)]);
        let first = suite.browser.get(&at);
        keep(&suite.browser.arrive(first));
    }
    keep(&suite.browser.get("/oauth2/logout"));
    keep(&suite.browser.get("/device"));
    crate::device::television(&suite.app);
    let begun = crate::device::begin(&suite.app);
    let code = begun["user_code"].as_str().unwrap();
    let typed = suite.browser.fill("/device", &[("user_code", code)]);
    keep(&suite.browser.arrive(typed));
    // An app on this machine, which signs in by a click.
    let at = crate::road::request(&[("scope", "openid")]);
    let first = suite.browser.get(&at);
    keep(&suite.browser.arrive(first));
    crate::terms::publish(&suite.app, "terms", "We moved");
    let mut newcomer = suite.app.browser();
    let at = suite.request(&[]);
    let first = newcomer.get(&at);
    let page = newcomer.arrive(first);
    let signed = newcomer.submit(&page, &fields);
    keep(&newcomer.arrive(signed));
    suite.app.deliver();
    let mut newcomer = suite.app.browser();
    let page = newcomer.get("/signin").is(200);
    let wrong = newcomer.submit(&page, &[("login", ""), ("password", "x")]);
    for id in ["login-err", "sum"] {
        assert!(wrong.text().contains(&format!("id=\"{id}\"")), "{id}");
    }
    let names = names();
    assert_eq!(names.len(), 9);
    for (path, fields, buttons) in names {
        let page = pages
            .get(&path)
            .unwrap_or_else(|| panic!("{path} was not seen"));
        let html = page.text();
        let main = html.split("<main").nth(1).expect("a page");
        for field in fields {
            let inputs = main.split("<input").skip(1);
            let tags = inputs.filter_map(|tag| tag.split('>').next());
            let named = tags.filter(|tag| attribute(tag, "name").as_ref() == Some(&field));
            let ids: Vec<String> = named.filter_map(|tag| attribute(tag, "id")).collect();
            let wanted = match field.as_str() {
                "scope" => vec!["scope-profile", "scope-email", "scope-offline_access"],
                name => vec![name],
            };
            assert_eq!(ids, wanted, "{path}: {field}");
        }
        for one in buttons {
            let (name, value) = one
                .split_once('=')
                .map_or((one.as_str(), None), |(n, v)| (n, Some(v)));
            let mut tags = main
                .split("<button")
                .skip(1)
                .filter_map(|tag| tag.split('>').next());
            let found = tags.any(|tag| {
                attribute(tag, "name").as_deref() == Some(name)
                    && value.is_none_or(|value| attribute(tag, "value").as_deref() == Some(value))
            });
            assert!(found, "{path} has no button {one}");
        }
    }
}
