//! What a page showed before a person allowed it, in short: their answer counts for that alone,
//! whatever the app makes of its registration meanwhile.

use serde_json::json;

use super::authorize::Scene;
use crate::rng::digest;

/// All that the answer hangs on: who answers, who asks and where it lives, what it asks for, and
/// what of it may be left out.
pub fn digest_of(scene: &Scene, account_id: &str) -> String {
    let asked: Vec<(String, bool)> = scene
        .checked
        .asked()
        .into_iter()
        .map(|name| {
            let optional = scene.checked.may_leave_out(&name);
            (name, optional)
        })
        .collect();
    digest(
        &json!([
            account_id,
            scene.client.name,
            scene.client.is_unchecked(),
            scene.checked.redirect.as_str(),
            asked,
            scene.checked.details.json(),
        ])
        .to_string(),
    )
}
