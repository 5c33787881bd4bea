//! An event as a sentence: “Kim” “revoked” **Order sync**.

use super::Entry;

/// What was done, around the name of what it was done to.
#[derive(Debug, PartialEq, Eq)]
pub struct Sentence {
    /// A symbol of the sprite.
    pub icon: &'static str,
    /// “revoked”
    pub before: String,
    /// “Order sync”; `None` where the person is all there is to it.
    pub subject: Option<String>,
    /// “from the list”
    pub after: &'static str,
}

/// Action, symbol, what stands before the name of the thing and after it.
#[rustfmt::skip]
const TOLD: &[(&str, &str, &str, &str)] = &[
    ("key.created", "plus", "created the key", ""),
    ("key.updated", "edit", "updated the key", ""),
    ("key.disabled", "disable", "disabled the key", ""),
    ("key.enabled", "enable", "enabled the key", ""),
    ("key.regenerated", "regenerate", "regenerated the secret of", ""),
    ("key.overlap_finished", "done", "stopped the old secret of", ""),
    ("key.overlap_extended", "regenerate", "gave more time to the old secret of", ""),
    ("key.revealed", "eye", "looked again at the secret of", ""),
    ("key.revoked", "revoke", "revoked the key", ""),
    ("key.deleted", "delete", "deleted the key", ""),
    ("key.transferred", "person", "transferred the key", ""),
    ("key.leak_found", "leak", "found leaked the key", ""),
    ("key.leak_dismissed", "done", "dismissed what was reported leaked of", ""),
    ("leaks.triaged", "leak", "looked for credentials in a text", ""),
    ("leaks.reported", "leak", "reported leaked credentials", ""),
    ("leaks.dismissed", "done", "dismissed what was reported leaked of", ""),
    ("leak_partner.added", "plus", "added the leak partner", ""),
    ("leak_partner.updated", "edit", "updated the leak partner", ""),
    ("leak_partner.removed", "delete", "removed the leak partner", ""),
    ("application.created", "plus", "created the application", ""),
    ("application.renamed", "edit", "renamed the application", ""),
    ("application.keys_reset", "regenerate", "reset all keys of", ""),
    ("application.secrets_kept", "key", "let secrets be seen again in", ""),
    ("application.secrets_erased", "delete", "erased the kept secrets of", ""),
    ("application.secret_rotated", "regenerate", "rotated the App Secret of", ""),
    ("application.archived", "application", "archived the application", ""),
    ("application.restored", "application", "restored the application", ""),
    ("application.keys_permitted", "grant", "let", "manage its own keys"),
    ("application.keys_forbidden", "withdraw", "no longer lets", "manage its own keys"),
    ("gateway.created", "plus", "added the gateway", ""),
    ("gateway.renamed", "edit", "renamed the gateway", ""),
    ("gateway.revoked", "revoke", "revoked the gateway", ""),
    ("user.created", "person-add", "added", "to the team"),
    ("user.role_changed", "team", "changed the role of", ""),
    ("user.password_changed", "key", "changed the password of", ""),
    ("user.link_created", "key", "made a one-time link for", ""),
    ("user.renamed", "edit", "renamed themselves", ""),
    ("user.disabled", "disable", "disabled the account of", ""),
    ("user.enabled", "enable", "enabled the account of", ""),
    ("access.granted", "grant", "granted API access to", ""),
    ("access.changed", "edit", "changed the API access of", ""),
    ("access.refused", "error", "was refused: more than their API access covers", ""),
    ("access.withdrawn", "withdraw", "withdrew the API access of", ""),
    ("session.signed_in", "person", "signed in", ""),
    ("session.refused", "error", "was refused to sign in as", ""),
    ("session.others_ended", "sign-out", "ended their other sessions", ""),
    ("customer.added", "plus", "added the customer", ""),
    ("customer.renamed", "edit", "renamed the customer", ""),
    ("customer.removed", "delete", "removed the customer", ""),
    ("customers.imported", "import", "imported customers", ""),
    ("preset.applied", "settings", "applied a preset", ""),
    ("settings.updated", "settings", "changed the settings", ""),
    ("environment.created", "plus", "added the environment", ""),
    ("environment.updated", "edit", "updated the environment", ""),
    ("environment.retired", "disable", "retired the environment", ""),
    ("environment.restored", "enable", "restored the environment", ""),
    ("section.created", "plus", "added the section", ""),
    ("section.updated", "edit", "updated the section", ""),
    ("section.retired", "disable", "retired the section", ""),
    ("section.restored", "enable", "restored the section", ""),
    ("permission.created", "plus", "added the permission", ""),
    ("permission.updated", "edit", "updated the permission", ""),
    ("permission.published", "grant", "made browser-safe the permission", ""),
    ("permission.withheld", "withdraw", "made secret again the permission", ""),
    ("permission.retired", "disable", "retired the permission", ""),
    ("permission.restored", "enable", "restored the permission", ""),
    ("catalogue.imported", "import", "imported a catalogue", ""),
    ("installation.set_up", "settings", "set up Latchkey", ""),
    ("job.started", "import", "started the job", ""),
    ("job.retried", "regenerate", "tried again the job", ""),
    ("job.cancelled", "close", "cancelled the job", ""),
    ("webhook.added", "plus", "added the webhook", ""),
    ("webhook.updated", "edit", "updated the webhook", ""),
    ("webhook.removed", "delete", "removed the webhook", ""),
    ("webhook.secret_rotated", "regenerate", "rotated the secret of the webhook", ""),
    ("webhook.tested", "live", "tested the webhook", ""),
    ("webhook.repeated", "regenerate", "had something sent again to the webhook", ""),
    ("webhook.switched_off", "disable", "switched off the webhook", ""),
    ("mail.tested", "live", "sent a test e-mail to themselves", ""),
    ("audit.exported", "download", "exported the trail", ""),
];

/// About the person who acts, or about the whole: its name would say nothing.
const WITHOUT_SUBJECT: &[&str] = &[
    "user.renamed",
    "access.refused",
    "session.signed_in",
    "session.others_ended",
    "customers.imported",
    "preset.applied",
    "settings.updated",
    "catalogue.imported",
    "leaks.triaged",
    "leaks.reported",
    "mail.tested",
    "installation.set_up",
    "audit.exported",
];

/// Tells an event.
pub fn tell(entry: &Entry) -> Sentence {
    let name = match (entry.subject_name.as_str(), entry.subject.as_str()) {
        ("", subject) => subject,
        (name, _) => name,
    };
    let own = ["user.password_changed", "user.link_created"].contains(&entry.action.as_str())
        && entry.actor_id.is_some_and(|id| entry.subject == format!("user:{id}"));
    if own {
        let what = if entry.action == "user.password_changed" {
            "changed their password"
        } else {
            "made a one-time link for themselves"
        };
        return Sentence { icon: "key", before: what.into(), subject: None, after: "" };
    }
    match TOLD.iter().find(|(action, ..)| *action == entry.action) {
        Some(&(action, icon, before, after)) => Sentence {
            icon,
            before: before.to_owned(),
            subject: (!WITHOUT_SUBJECT.contains(&action)).then(|| name.to_owned()),
            after,
        },
        None => Sentence {
            icon: "info",
            before: format!("{}:", entry.action.replace(['.', '_'], " ")),
            subject: Some(name.to_owned()),
            after: "",
        },
    }
}

/// What actions of a kind are about, and each of them in a word or two: `("Keys", "Revoked")`.
pub fn label(action: &str) -> (String, String) {
    let (kind, act) = action.split_once('.').unwrap_or((action, ""));
    let kind = match kind {
        "key" => "Keys",
        "application" => "Applications",
        "gateway" => "Gateways",
        "user" => "People",
        "access" => "API access",
        "session" => "Signing in",
        "customer" => "Customers",
        "customers" => "Lists of customers",
        "preset" => "Presets",
        "environment" => "Environments",
        "section" => "Sections",
        "permission" => "Permissions",
        "job" => "Jobs",
        "audit" => "Audit trail",
        "leaks" => "Leaks",
        "leak_partner" => "Leak partners",
        "webhook" => "Webhooks",
        "mail" => "E-mail",
        other => return (capital(other), capital(act)),
    };
    (kind.to_owned(), capital(act))
}

pub(super) fn capital(slug: &str) -> String {
    let words = slug.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::json;

    use super::*;

    pub fn entry(action: &str) -> Entry {
        Entry {
            id: 1,
            at: Utc::now(),
            actor_id: Some(7),
            actor: "Kim".into(),
            ip: None,
            request_id: None,
            action: action.into(),
            subject: "user:7".into(),
            subject_name: "Order sync".into(),
            details: json!({}),
            previous_hash: vec![0; 32],
            hash: vec![1; 32],
        }
    }

    #[test]
    fn every_act_has_a_sentence() {
        // The list of acts is the source's own.
        let source = include_str!("mod.rs");
        let (_, slugs) = source.split_once("fn slug").unwrap();
        let (slugs, _) = slugs.split_once("\n    }\n").unwrap();
        let slugs: Vec<&str> = slugs.split('"').skip(1).step_by(2).collect();
        assert!(slugs.len() > 50, "{slugs:?}");
        for slug in slugs {
            assert_ne!(tell(&entry(slug)).icon, "info", "{slug}");
        }
    }

    #[test]
    fn a_sentence_is_one_a_person_reads() {
        let told = |action| {
            let Sentence { before, subject, after, .. } = tell(&entry(action));
            format!("Kim {before} {} {after}", subject.unwrap_or_default()).trim().to_owned()
        };
        assert_eq!(told("key.revoked"), "Kim revoked the key Order sync");
        assert_eq!(told("user.created"), "Kim added Order sync to the team");
        assert_eq!(told("session.signed_in"), "Kim signed in");
        assert_eq!(told("user.password_changed"), "Kim changed their password");
        assert_eq!(told("widget.given_up"), "Kim widget given up: Order sync");
        assert_eq!(label("key.overlap_finished"), ("Keys".into(), "Overlap finished".into()));
        assert_eq!(label("widget.given_up"), ("Widget".into(), "Given up".into()));
    }
}
