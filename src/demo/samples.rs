//! The keys of the small installation. What they may do is said by position, so that they fit every catalogue.

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Operator,
    Administrator,
    Manager,
}

/// What it may do.
#[derive(Debug, Clone, Copy)]
pub enum Holds {
    Everything,
    /// The section at this position.
    Section(usize),
    /// The permissions at these positions.
    Some(&'static [usize]),
}

/// What became of it, so many days ago.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    Lives,
    Disabled(f64),
    Revoked(f64, &'static str),
    Regenerated(f64),
}

/// A key of the small installation. Times are in days before now.
pub struct Sample {
    pub name: &'static str,
    pub note: &'static str,
    pub owner: Owner,
    /// Of the second application.
    pub is_partners: bool,
    /// Of the last environment, which is a test one, rather than the first.
    pub is_test: bool,
    pub holds: Holds,
    /// Requests and the seconds of their window.
    pub limit: Option<(i32, i32)>,
    /// Requests a day, besides.
    pub per_day: Option<i32>,
    /// Ranges it is restricted to, and exceptions from them.
    pub allowed_ips: &'static [&'static str],
    pub excluded_ips: &'static [&'static str],
    pub created: f64,
    /// In days from now; negative when it is over.
    pub expires: Option<f64>,
    pub last_used: Option<f64>,
    pub fate: Fate,
    /// The place in [`CUSTOMERS`] of the one customer it is restricted to.
    pub customer: Option<usize>,
    /// Requests a minute in the busiest hour; the verdict of those that are refused, and their share.
    pub traffic: Option<(f64, &'static str, f64)>,
}

const MINUTE: f64 = 1.0 / 1440.0;

const KEY: Sample = Sample {
    name: "",
    note: "",
    owner: Owner::Administrator,
    is_partners: false,
    is_test: false,
    holds: Holds::Some(&[0]),
    limit: Some((100, 1)),
    per_day: None,
    allowed_ips: &[],
    excluded_ips: &[],
    created: 30.28,
    expires: Some(60.0),
    last_used: None,
    fate: Fate::Lives,
    customer: None,
    traffic: None,
};

/// Id and name.
pub const CUSTOMERS: [(&str, &str); 8] = [
    ("cus_1001", "Acme Rentals"),
    ("cus_1002", "Bergström & Söner AB"),
    ("cus_1003", "Casa Lumière"),
    ("cus_1004", ""),
    ("cus_1007", "Deckchairs Direct"),
    ("cus_1011", "Northwind Tools"),
    ("cus_1012", "شركة النور"),
    ("tenant/eu-west/83a1", "Orchid Events"),
];

pub const SAMPLES: [Sample; 17] = [
    Sample {
        name: "Rentmy Production",
        note: "The storefront itself. Ask Maya before touching it.",
        owner: Owner::Manager,
        holds: Holds::Some(&[0, 2, 3, 5]),
        created: 64.07,
        expires: Some(301.0),
        last_used: Some(2.0 * MINUTE),
        fate: Fate::Regenerated(21.0),
        traffic: Some((90.0, "RATE_LIMITED", 0.02)),
        ..KEY
    },
    Sample {
        name: "Internal Reporting Dashboard",
        holds: Holds::Section(0),
        limit: Some((60, 60)),
        per_day: Some(20_000),
        allowed_ips: &["203.0.113.0/24", "2001:db8:40::/48"],
        excluded_ips: &["203.0.113.128/25"],
        created: 118.36,
        expires: Some(62.0),
        last_used: Some(11.0 * MINUTE),
        traffic: Some((6.0, "INSUFFICIENT_SCOPE", 0.04)),
        ..KEY
    },
    Sample {
        name: "Main Website Integration",
        holds: Holds::Some(&[1, 2, 5, 6]),
        limit: Some((500, 60)),
        created: 92.11,
        expires: Some(88.0),
        last_used: Some(1.0 * MINUTE),
        traffic: Some((40.0, "INSUFFICIENT_SCOPE", 0.005)),
        ..KEY
    },
    Sample {
        name: "Mobile app (iOS and Android)",
        owner: Owner::Manager,
        holds: Holds::Some(&[2, 5]),
        limit: Some((20, 1)),
        created: 45.41,
        expires: Some(135.0),
        last_used: Some(4.0 * MINUTE),
        traffic: Some((30.0, "RATE_LIMITED", 0.01)),
        ..KEY
    },
    Sample {
        name: "Nightly export to the warehouse",
        note: "Runs at three in the morning.",
        owner: Owner::Operator,
        is_partners: true,
        holds: Holds::Section(1),
        limit: Some((1_000, 3_600)),
        created: 200.22,
        expires: Some(165.0),
        last_used: Some(0.54),
        traffic: Some((0.4, "INSUFFICIENT_SCOPE", 0.0)),
        ..KEY
    },
    Sample {
        name: "Order sync, Northwind ERP",
        customer: Some(5),
        note: "Expires soon: Northwind renews with us in spring.",
        owner: Owner::Manager,
        is_partners: true,
        holds: Holds::Some(&[5, 6, 7]),
        limit: Some((10, 1)),
        created: 85.05,
        expires: Some(5.0),
        last_used: Some(12.0 * MINUTE),
        traffic: Some((12.0, "INSUFFICIENT_SCOPE", 0.01)),
        ..KEY
    },
    Sample {
        name: "Seller onboarding bot",
        owner: Owner::Manager,
        is_partners: true,
        holds: Holds::Section(3),
        limit: Some((5, 1)),
        created: 51.3,
        expires: Some(39.0),
        last_used: Some(3.2),
        fate: Fate::Disabled(3.2),
        traffic: Some((2.0, "DISABLED", 0.3)),
        ..KEY
    },
    Sample {
        name: "Staging Environment",
        owner: Owner::Manager,
        is_test: true,
        holds: Holds::Some(&[0, 2, 3, 5, 6]),
        limit: Some((10, 1)),
        created: 63.16,
        expires: Some(27.0),
        last_used: Some(1.9),
        traffic: Some((1.0, "WRONG_ENVIRONMENT", 0.1)),
        ..KEY
    },
    Sample {
        name: "Load test before the holidays",
        is_test: true,
        holds: Holds::Some(&[2, 5]),
        limit: None,
        created: 42.38,
        expires: Some(-12.0),
        last_used: Some(12.4),
        traffic: Some((3.0, "EXPIRED", 0.9)),
        ..KEY
    },
    Sample {
        name: "Connector trial",
        customer: Some(0),
        is_partners: true,
        holds: Holds::Some(&[0, 5]),
        created: 28.13,
        expires: Some(62.0),
        last_used: Some(8.1),
        fate: Fate::Revoked(8.1, "Found in a public repository"),
        traffic: Some((0.8, "REVOKED", 0.4)),
        ..KEY
    },
    Sample {
        name: "Payout reconciliation",
        is_partners: true,
        holds: Holds::Section(4),
        limit: Some((2_000, 86_400)),
        created: 2.26,
        expires: Some(88.0),
        ..KEY
    },
    Sample {
        name: "Back office",
        note: "Holds everything; narrow it once we know what it needs.",
        holds: Holds::Everything,
        limit: None,
        created: 151.09,
        expires: None,
        last_used: Some(1.1),
        traffic: Some((0.5, "INSUFFICIENT_SCOPE", 0.0)),
        ..KEY
    },
    Sample {
        name: "Quarterly performance and seller compliance reports for the finance department, all regions",
        owner: Owner::Manager,
        holds: Holds::Section(0),
        limit: Some((50, 3_600)),
        created: 74.33,
        expires: Some(291.0),
        last_used: Some(16.0),
        ..KEY
    },
    Sample {
        name: "Storefront before the move",
        holds: Holds::Some(&[0, 2, 3, 5]),
        created: 390.19,
        expires: Some(-25.0),
        last_used: Some(66.0),
        fate: Fate::Revoked(63.0, "Replaced by Rentmy Production"),
        ..KEY
    },
    Sample {
        name: "Label printer in the old warehouse",
        is_partners: true,
        holds: Holds::Some(&[5]),
        created: 395.4,
        expires: None,
        last_used: Some(131.0),
        ..KEY
    },
    Sample {
        name: "Trade fair demo",
        owner: Owner::Manager,
        holds: Holds::Some(&[0, 2]),
        created: 47.2,
        expires: Some(318.0),
        ..KEY
    },
    Sample {
        name: "Smoke tests in CI",
        owner: Owner::Manager,
        is_test: true,
        holds: Holds::Everything,
        limit: Some((60, 60)),
        created: 20.24,
        expires: Some(70.0),
        last_used: Some(0.2),
        traffic: Some((0.6, "INSUFFICIENT_SCOPE", 0.0)),
        ..KEY
    },
];
