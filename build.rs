//! Builds again when a migration, template, text or static file changes.

fn main() {
    for folder in ["migrations", "templates", "locales", "static"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
