//! The catalogue as a file, in the format of the presets.

use actix_web::{HttpResponse, http::header, web::Data};
use anyhow::Context;
use diesel::PgConnection;

use crate::{
    app::App,
    environments,
    error::AppResult,
    presets::{self, Policy, Preset, Wording},
    scopes, settings,
    web::Layout,
};

/// Everything that a preset brings, as it is here.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn export(conn: &mut PgConnection) -> AppResult<Preset> {
    let settings = settings::load(conn)?;
    let known = settings.preset.as_deref().and_then(presets::find);
    let environments = environments::list(conn)?.into_iter().map(|row| presets::Environment {
        slug: row.slug,
        name: row.name,
        prefix: row.prefix,
        mode: row.mode,
        longest_days: row.longest_days,
        allows_never: Some(row.allows_never),
        retired: row.retired_at.is_some(),
    });
    let sections = scopes::catalogue(conn)?.into_iter().map(|section| presets::Section {
        slug: section.slug,
        name: section.name,
        retired: section.retired_at.is_some(),
        permissions: section
            .permissions
            .into_iter()
            .map(|row| presets::Permission {
                slug: row.slug,
                label: row.label,
                description: row.description,
                access: row.access,
                publishable: row.publishable,
                retired: row.retired_at.is_some(),
            })
            .collect(),
    });
    Ok(Preset {
        slug: settings.preset.clone().unwrap_or_else(|| "custom".into()),
        name: known.map_or_else(|| settings.product_name.clone(), |preset| preset.name.clone()),
        summary: known.map(|preset| preset.summary.clone()).unwrap_or_default(),
        wording: Wording {
            product_name: settings.product_name,
            keys_section: settings.keys_section,
            keys_title: settings.keys_title,
            create_label: settings.create_label,
            path: settings.keys_path,
            api_url: Some(settings.api_url),
        },
        policy: Policy {
            new_key_all_permissions: settings.new_key_all_permissions,
            managers_may_revoke: settings.managers_may_revoke,
            managers_may_regenerate: Some(settings.managers_may_regenerate),
            default_lifetime_days: Some(settings.default_lifetime_days),
        },
        environments: environments.collect(),
        sections: sections.collect(),
    })
}

/// `GET /settings/catalogue/export`
pub async fn download(app: Data<App>, layout: Layout) -> AppResult<HttpResponse> {
    layout.for_administrators()?;
    let preset = app.db.read(export).await?;
    let text = toml::to_string(&preset).context("a preset can be written")?;
    Ok(HttpResponse::Ok()
        .content_type("application/toml; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"catalogue.toml\""))
        .body(text))
}
