//! The pages that are measured: with the names and ids that each site's own pages offer.

use anyhow::{Context, Result};
use scraper::{Html, Selector};

use super::site::Person;

/// A page.
pub struct Case {
    pub name: String,
    pub path: String,
    pub is_fragment: bool,
    /// A search for something rare, which may take a little longer.
    pub is_rare: bool,
    /// It may answer that it takes too long.
    pub may_give_up: bool,
}

/// What a site's list of keys offers.
struct Offers {
    public_key: String,
    often: String,
    seldom: String,
    owner: Option<String>,
    permissions: Vec<String>,
    environment: String,
}

/// The cases of each site.
pub async fn of(people: &mut [Person], mode: &str, is_manager: bool) -> Result<Vec<Vec<Case>>> {
    let mut each = Vec::new();
    for person in people {
        let offers = Offers::read(&person.get("/keys").await?)?;
        let mut cases = lists(&offers);
        if mode == "all" {
            cases.extend(combined(&offers));
            cases.extend(searches(&offers));
            cases.extend(deep(person).await?);
        }
        let own = [
            "/",
            "/applications",
            "/keys",
            "/review?group=permissions",
            "/review?group=unused",
            "/review?group=never",
            "/review?group=secrets",
        ];
        let others = ["/settings/environments", "/customers", "/keys/confirm/reset", "/team"];
        let others = if is_manager { &[][..] } else { &others[..] };
        cases.extend(own.iter().chain(others).map(|path| page(path, (*path).to_owned())));
        cases
            .push(page("an application with many keys", format!("/applications/{}", offers.often)));
        cases.push(page("the page of a key", format!("/keys/{}", offers.public_key)));
        each.push(cases);
    }
    Ok(each)
}

/// The names of all cases, in the order of the site that has the most keys.
pub fn names(each: &[Vec<Case>]) -> impl Iterator<Item = &str> {
    each.last().into_iter().flatten().map(|case| case.name.as_str())
}

fn page(name: &str, path: String) -> Case {
    Case { name: name.into(), path, is_fragment: false, is_rare: false, may_give_up: false }
}

fn list(query: &str) -> Case {
    page(query, format!("/keys?{query}"))
}

fn filters(offers: &Offers) -> Vec<(String, String)> {
    let mut filters: Vec<(String, String)> = [
        "status=active",
        "status=inactive",
        "status=expired",
        "status=revoked",
        "expiring=soon",
        "last_used=day",
        "last_used=month",
        "last_used=idle",
        "last_used=never",
        "permission=nobody:holds",
    ]
    .map(|query| (query.to_owned(), query.to_owned()))
    .into();
    let mut add = |name: &str, query: String| filters.push((name.to_owned(), query));
    add("environment", format!("environment={}", offers.environment));
    add("application with many keys", format!("application={}", offers.often));
    add("application with few keys", format!("application={}", offers.seldom));
    if let Some(owner) = &offers.owner {
        add("owner", format!("owner={owner}"));
    }
    for (name, permission) in ["a permission", "another permission"].iter().zip(&offers.permissions)
    {
        add(name, format!("permission={permission}"));
    }
    filters
}

fn lists(offers: &Offers) -> Vec<Case> {
    let mut cases =
        vec![Case { is_fragment: true, ..page("the list, as a fragment", "/keys".into()) }];
    cases.extend(
        ["name", "-name", "created", "last_used", "-last_used"]
            .map(|sort| list(&format!("sort={sort}"))),
    );
    cases.extend(
        filters(offers).into_iter().map(|(name, query)| page(&name, format!("/keys?{query}"))),
    );
    cases
}

/// Each filter in each order.
fn combined(offers: &Offers) -> Vec<Case> {
    ["name", "-name", "created", "last_used", "-last_used"]
        .iter()
        .flat_map(|sort| {
            filters(offers).into_iter().map(move |(name, query)| {
                page(&format!("{name}, sort={sort}"), format!("/keys?{query}&sort={sort}"))
            })
        })
        .collect()
}

fn searches(offers: &Offers) -> Vec<Case> {
    let search = |words: &str| list(&format!("q={words}"));
    let rare = |words: &str| Case { is_rare: true, ..search(words) };
    let beginning: String = offers.public_key.chars().take(12).collect();
    let mut cases = vec![
        search("juniper"),
        search("order"),
        search("storefront"),
        search("example"),
        rare("quill%20payout"),
        rare("quill%20payout%20check%201"),
        rare("xyzzy"),
        search("co"),
        search("st"),
        search("zz"),
        search("q"),
        search("x"),
        Case { name: "the beginning of a public key".into(), ..search(&beginning) },
        Case { name: "a whole public key".into(), ..search(&offers.public_key) },
    ];
    for filter in ["status=revoked", "last_used=never", "sort=last_used", "sort=-last_used"] {
        for words in ["juniper", "order", "xyzzy"] {
            cases.push(Case { is_rare: true, ..list(&format!("q={words}&{filter}")) });
        }
    }
    // Names in order and in the search: all that match may stand together, far from where the list begins.
    for words in ["atlas", "juniper", "order", "xyzzy"] {
        let by_name = list(&format!("q={words}&sort=name"));
        cases.push(Case { is_rare: true, may_give_up: true, ..by_name });
    }
    cases
}

/// Pages further down, and the end of the list: where it begins the other way round.
async fn deep(person: &mut Person) -> Result<Vec<Case>> {
    let mut cases = vec![page("the end of the list", "/keys?sort=created".into())];
    for (sort, address) in &person.middles {
        let name = match *sort {
            "" => "the middle of the list".to_owned(),
            sort => format!("the middle, sort={sort}"),
        };
        cases.push(Case {
            is_fragment: true,
            ..page(&format!("{name}, as a fragment"), address.clone())
        });
        cases.push(page(&name, address.clone()));
    }
    let mut at = String::from("/keys");
    for number in 2..=101 {
        let Some(next) = attribute(&person.get(&at).await?, "a[rel=next]", "href") else { break };
        at = next;
        if number == 2 || number == 4 || number == 101 {
            let name = format!("page {number}");
            cases.push(page(&name, at.clone()));
            cases.push(Case {
                is_fragment: true,
                ..page(&format!("{name}, as a fragment"), at.clone())
            });
        }
    }
    Ok(cases)
}

impl Offers {
    fn read(list: &str) -> Result<Self> {
        let options = |select: &str| -> Vec<(String, String)> {
            Html::parse_document(list)
                .select(&selector(&format!("#{select} option")))
                .filter_map(|option| {
                    let value = option.attr("value").filter(|value| !value.is_empty())?;
                    Some((value.to_owned(), option.text().collect()))
                })
                .collect()
        };
        let called = |options: &[(String, String)], name: &str| {
            options.iter().find(|(_, label)| label == name).map(|(value, _)| value.clone())
        };
        let applications = options("application");
        let permissions: Vec<String> =
            options("permission").into_iter().map(|(value, _)| value).collect();
        let link = attribute(list, "tbody .table__name", "href").context("there is no key")?;
        Ok(Self {
            public_key: link.trim_start_matches("/keys/").to_owned(),
            often: called(&applications, "Back Office")
                .and(called(&applications, "Storefront"))
                .context("there is no Storefront")?,
            seldom: called(&applications, "Rentmy Storefront").context("there is no such one")?,
            owner: called(&options("owner"), "Ada Novak"),
            permissions: permissions
                .first()
                .into_iter()
                .chain(permissions.last())
                .cloned()
                .collect(),
            environment: options("environment")
                .last()
                .map(|(value, _)| value.clone())
                .unwrap_or_default(),
        })
    }
}

fn attribute(page: &str, css: &str, name: &str) -> Option<String> {
    let page = Html::parse_document(page);
    let value = page.select(&selector(css)).next()?.attr(name)?.to_owned();
    Some(value)
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).expect("selectors are spelled correctly here")
}
