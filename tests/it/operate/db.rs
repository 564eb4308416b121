//! Backups: made beside a running server, put back only alone and only with the right key, and
//! nothing is lost where that is refused.

use std::path::PathBuf;

use super::Place;

fn backups(place: &Place) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(place.folder.join("data/backup"));
    let files = folder.into_iter().flatten();
    files.map(|file| file.unwrap().path()).collect()
}

#[test]
fn a_backup_is_made_beside_the_server_and_restored_without_it() {
    let place = Place::new("backup");
    place.add_person("temuulen");
    let server = place.serve();
    let file = place.folder.join("copy");
    let copy = file.to_str().unwrap();
    place.run(&["db", "backup", copy]).is(0);
    // What is there is not written over.
    place
        .run(&["db", "backup", copy])
        .is(1)
        .says(&["no backup was made"]);
    place.add_person("bea");
    assert_eq!(place.people(), ["bea", "temuulen"]);
    place
        .run(&["db", "restore", copy])
        .is(1)
        .says(&["nothing was restored", "stop the server"]);
    assert_eq!(place.people(), ["bea", "temuulen"]);
    server.stop();
    place.run(&["db", "restore", copy]).is(0);
    assert_eq!(place.people(), ["temuulen"]);
    // What was there before is kept, for this user alone, and can be put back too.
    let kept = backups(&place);
    let [before] = kept.as_slice() else {
        panic!("{kept:?}");
    };
    use std::os::unix::fs::PermissionsExt as _;
    for file in [&file, before] {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
    }
    place
        .run(&["db", "restore", before.to_str().unwrap()])
        .is(0);
    assert_eq!(place.people(), ["bea", "temuulen"]);
    let server = place.serve();
    server.browser().get("/readyz").is(200);
    server.stop();
    let nothing = place.run(&["db", "migrate"]).is(0).out;
    assert!(nothing.contains("up to date"), "{nothing}");
}

#[test]
fn a_backup_that_does_not_fit_is_refused_before_anything_is_touched() {
    let (place, other) = (Place::new("fits"), Place::new("other"));
    place.add_person("temuulen");
    other.add_person("stranger");
    let copy = other.folder.join("copy");
    let copy = copy.to_str().unwrap();
    other.run(&["db", "backup", copy]).is(0);
    place
        .run(&["db", "restore", copy])
        .is(1)
        .says(&["nothing was restored", "does not go with this master key"]);
    let junk = place.folder.join("junk");
    std::fs::write(&junk, "PGDMP, or so it says".repeat(300)).unwrap();
    let junk = junk.to_str().unwrap();
    let said = place
        .run(&["db", "restore", junk])
        .is(1)
        .says(&["restored"]);
    assert!(!said.err.contains("the database is broken"), "{}", said.err);
    let none = place.folder.join("none");
    std::fs::write(&none, "").unwrap();
    place
        .run(&["db", "restore", none.to_str().unwrap()])
        .is(1)
        .says(&["was not restored", "name a file that gerege db backup made"]);
    assert_eq!(place.people(), ["temuulen"]);
    assert_eq!(backups(&place), Vec::<PathBuf>::new());
    // With the key of that time it goes.
    let key = "data/master.key";
    std::fs::copy(other.folder.join(key), place.folder.join(key)).unwrap();
    place.run(&["db", "restore", copy]).is(0);
    assert_eq!(place.people(), ["stranger"]);
}

#[test]
fn a_database_behind_a_link_is_not_restored_beside_its_server() {
    let mut place = Place::new("link");
    if place.is_postgres() {
        return;
    }
    place.add_person("temuulen");
    let copy = place.folder.join("copy");
    let copy = copy.to_str().unwrap();
    place.run(&["db", "backup", copy]).is(0);
    place.add_person("bea");
    let server = place.serve();
    let (real, link) = ("data/gerege.db", "link.db");
    std::os::unix::fs::symlink(place.folder.join(real), place.folder.join(link)).unwrap();
    place.database = format!("sqlite:{}", place.folder.join(link).display());
    place
        .run(&["db", "restore", copy])
        .is(1)
        .says(&["nothing was restored", "stop the server"]);
    assert_eq!(place.people(), ["bea", "temuulen"]);
    server.stop();
    place.run(&["db", "restore", copy]).is(0);
    assert_eq!(place.people(), ["temuulen"]);
    // The file behind the link is the one that was put back.
    assert!(place.folder.join(link).is_symlink());
    place.database = "sqlite".into();
    assert_eq!(place.people(), ["temuulen"]);
}

#[test]
fn a_new_folder_is_this_users_alone_and_made_for_a_good_backup() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new("moved");
    if place.is_postgres() {
        return;
    }
    place.add_person("temuulen");
    let file = place.folder.join("copy");
    place.run(&["db", "backup", file.to_str().unwrap()]).is(0);
    let (new, key) = (
        place.folder.join("new"),
        place.folder.join("data/master.key"),
    );
    let place = place
        .with("DATA_DIR", new.display())
        .with("MASTER_KEY_FILE", key.display());
    let junk = place.folder.join("junk");
    std::fs::write(&junk, "no database".repeat(900)).unwrap();
    place.run(&["db", "restore", junk.to_str().unwrap()]).is(1);
    assert!(!new.exists());
    place.run(&["db", "restore", file.to_str().unwrap()]).is(0);
    assert_eq!(new.metadata().unwrap().permissions().mode() & 0o077, 0);
    assert_eq!(place.people(), ["temuulen"]);
}
