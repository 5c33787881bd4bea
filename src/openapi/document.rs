//! The document as a whole.

use url::Url;
use utoipa::{
    PartialSchema,
    openapi::{
        Components, ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder,
        ServerBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{
    application, authorize,
    bodies::{
        self, Accepted, Change, Changes, Found, Label, Node, Problem, RateLimit, Refusal, Refused,
    },
    changes,
    codes::{ProblemCode, RefusalCode},
    health, leaks,
    own_keys::{
        ApplicationKey, ApplicationKeys, DayOfUsage, KeyLimit, KeyUsage, Regenerated, Regeneration,
    },
    verify, webhooks,
};
use crate::{
    notices::webhooks::payload::{self, Message},
    verify::Code,
};

/// The tag of what gateways ask.
pub const VERIFICATION: &str = "Verification";
/// The tag of what secret scanners report.
pub const LEAKS: &str = "Leaks";
/// The tag of what applications do with their own keys.
pub const APPLICATION: &str = "Application";
/// The tag of what webhooks are told.
pub const WEBHOOKS: &str = "Webhooks";
/// The tag of what supervisors ask.
pub const HEALTH: &str = "Health";

/// The ways to authenticate, by their names in the document.
pub const GATEWAY_BEARER: &str = "GatewayBearer";
pub const GATEWAY_HEADER: &str = "GatewayHeader";
pub const CALLER_BEARER: &str = "CallerBearer";
pub const CALLER_BASIC: &str = "CallerBasic";
pub const CALLER_API_KEY: &str = "CallerApiKey";
pub const PARTNER_KEY_ID: &str = "PartnerKeyId";
pub const PARTNER_SIGNATURE: &str = "PartnerSignature";
pub const APPLICATION_BASIC: &str = "ApplicationBasic";

/// What the installation at this address takes and answers.
pub fn document(base_url: &Url) -> OpenApi {
    let tag = |name, description| TagBuilder::new().name(name).description(Some(description));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Latchkey")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Whether an API key may do what it asks, what an application may do with its own keys, and what is told to webhooks. Verdicts come within 150 ms, and no answer is kept by caches.",
                )),
        )
        .servers(Some([ServerBuilder::new().url(base_url.as_str().trim_end_matches('/')).build()]))
        .paths(
            PathsBuilder::new()
                .path("/v1/verify", verify::path())
                .path("/v1/authorize", authorize::path())
                .path("/v1/changes/{key}", changes::path())
                .path("/v1/leaks", leaks::path())
                .path("/v1/application/keys", application::keys())
                .path("/v1/application/keys/{key}/usage", application::usage())
                .path("/v1/application/keys/{key}/regenerate", application::regenerate())
                .path("/healthz", health::alive())
                .path("/readyz", health::ready()),
        )
        .webhooks(Some(webhooks::webhooks(base_url)))
        .components(Some(components()))
        .tags(Some([
            tag(VERIFICATION, "What gateways ask on every request.").build(),
            tag(LEAKS, "What secret scanners report.").build(),
            tag(
                APPLICATION,
                "What an application does with its own keys, where an administrator lets it.",
            )
            .build(),
            tag(
                WEBHOOKS,
                "What your servers are told, where an administrator added them: at least once, signed as Standard Webhooks has it.",
            )
            .build(),
            tag(HEALTH, "What supervisors and load balancers ask.").build(),
        ]))
        .build()
}

fn components() -> Components {
    let bearer = |description| {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description));
        SecurityScheme::Http(scheme.build())
    };
    let in_header = |name, description| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, description)))
    };
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(
        "The caller’s credential: public key and secret key, or App ID and App Secret.",
    ));
    let app_basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some("The application’s own credentials: App ID and App Secret."));
    ComponentsBuilder::new()
        .schema("Question", bodies::question())
        .schema("Accepted", Accepted::schema())
        .schema("Refused", Refused::schema())
        .schema("RateLimit", RateLimit::schema())
        .schema("Changes", Changes::schema())
        .schema("Change", Change::schema())
        .schema("Node", Node::schema())
        .schema("Found", Found::schema())
        .schema("Label", Label::schema())
        .schema("ApplicationKeys", ApplicationKeys::schema())
        .schema("ApplicationKey", ApplicationKey::schema())
        .schema("KeyLimit", KeyLimit::schema())
        .schema("KeyUsage", KeyUsage::schema())
        .schema("DayOfUsage", DayOfUsage::schema())
        .schema("Regeneration", Regeneration::schema())
        .schema("Regenerated", Regenerated::schema())
        .schema("WebhookMessage", Message::schema())
        .schema("WebhookData", payload::Data::schema())
        .schema("WebhookKey", payload::Key::schema())
        .schema("WebhookLeak", payload::Leak::schema())
        .schema("Problem", Problem::schema())
        .schema("Refusal", Refusal::schema())
        .schema("Code", Code::schema())
        .schema("RefusalCode", RefusalCode::schema())
        .schema("ProblemCode", ProblemCode::schema())
        .security_scheme(
            GATEWAY_BEARER,
            bearer("The gateway’s token, `gw_…`. Its environment is the environment of every question."),
        )
        .security_scheme(
            GATEWAY_HEADER,
            in_header("X-Gateway-Token", "The gateway’s token; Authorization is the caller’s here."),
        )
        .security_scheme(CALLER_BEARER, bearer("The caller’s credential: a secret or public key."))
        .security_scheme(APPLICATION_BASIC, SecurityScheme::Http(app_basic.build()))
        .security_scheme(CALLER_BASIC, SecurityScheme::Http(basic.build()))
        .security_scheme(
            CALLER_API_KEY,
            in_header("X-API-Key", "The caller’s credential: a secret or public key."),
        )
        .security_scheme(
            PARTNER_KEY_ID,
            in_header("Latchkey-Key-Id", "Which of the leak partners’ keys signed the report."),
        )
        .security_scheme(
            PARTNER_SIGNATURE,
            in_header("Latchkey-Signature", "Its signature over the body: DER in base64."),
        )
        .build()
}
