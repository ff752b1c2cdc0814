//! The network's side: whether our own names lead anywhere, and whether providers answer.
//!
//! Providers are asked through the same way out as messages, with nothing but their address: that they answer at all,
//! whatever they answer, is what is asked. Whether they believe our tokens their instances' states tell.

use super::{Finding, fail, ok};
use crate::{
    config::{Config, TlsMode},
    egress::{Bounds, Egress, Outbound, Resolve, SystemResolver},
    model::{clock::Clock, egress::Use, ids::AccountId, instance::ConnectorKind},
    ops::status::InstanceSurvey,
};
use bytes::Bytes;
use http::Method;
use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

/// For one name or one provider.
const WITHIN: Duration = Duration::from_secs(5);
/// Where Meta's Cloud API is, unless the instance says otherwise.
const META: &str = "https://graph.facebook.com";
/// Where a linked phone's server is.
const WHATSAPP_WEB: &str = "https://web.whatsapp.com";

pub(super) async fn names(config: &Config, clock: &Arc<dyn Clock>) -> Vec<Finding> {
    let resolver = SystemResolver::new(clock.clone());
    let mut all = Vec::new();
    for name in own_names(config) {
        let late = clock.now().plus(WITHIN);
        let found = tokio::select! {
            found = resolver.resolve(&name) => found,
            () = clock.sleep_until(late) => Err("no name server answered in time".to_owned()),
        };
        all.push(judge_name(&name, found));
    }
    all
}

/// The names under which others are told to reach us.
fn own_names(config: &Config) -> Vec<String> {
    let public = config.public_url.as_deref().and_then(host_of);
    let mut names: Vec<String> = public.into_iter().collect();
    if config.tls.mode == TlsMode::Acme {
        names.extend(config.tls.acme_domains.iter().map(|name| name.to_ascii_lowercase()));
    }
    names.sort();
    names.dedup();
    names
}

/// The host of an address, when it is a name and no number.
fn host_of(url: &str) -> Option<String> {
    let authority = url.split("://").nth(1)?.split(['/', '?', '#']).next()?;
    if authority.starts_with('[') {
        return None;
    }
    let host = authority.split(':').next()?;
    (!host.is_empty() && host.parse::<IpAddr>().is_err()).then(|| host.to_ascii_lowercase())
}

fn judge_name(name: &str, found: Result<Vec<IpAddr>, String>) -> Finding {
    match found {
        Ok(addresses) if !addresses.is_empty() => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let text = format!("{name} leads to {}: this machine, or the router in front of it?", addresses.join(", "));
            ok("DNS", text)
        }
        Ok(_) => fail("DNS", format!("{name} has no address: make an A or AAAA record for it")),
        Err(e) => fail("DNS", format!("{name}: {e}; make an A or AAAA record for it, or look at /etc/resolv.conf")),
    }
}

/// Each provider once, with the instances that need it.
pub(super) async fn providers(numbers: &[InstanceSurvey], egress: &Egress) -> Vec<Finding> {
    let mut wanted: BTreeMap<(String, Option<AccountId>), Vec<&str>> = BTreeMap::new();
    for number in numbers {
        if let Some(url) = provider_of(number) {
            // An account's own server may be open to it alone.
            let account = number.base_url.as_ref().map(|_| number.account);
            wanted.entry((url, account)).or_default().push(number.id.as_str());
        }
    }
    let mut all = Vec::new();
    for ((url, account), instances) in wanted {
        let instances = instances.join(", ");
        let request =
            Outbound { method: Method::GET, url: &url, headers: Vec::new(), body: Bytes::new(), of: Use::Connectors };
        let egress = account.map_or_else(|| egress.clone(), |account| egress.of_account(account));
        let asked = egress.send(request, Bounds { timeout: WITHIN, max_answer_bytes: 1024 }).await;
        all.push(match asked {
            Ok(_) => ok("provider", format!("{url} answers (for {instances})")),
            Err(e) => fail("provider", format!("{url} (for {instances}): {e}")),
        });
    }
    all
}

fn provider_of(number: &InstanceSurvey) -> Option<String> {
    let default = match number.connector {
        ConnectorKind::Sandbox => return None,
        ConnectorKind::Evolution => None,
        ConnectorKind::CloudApi => Some(META),
        ConnectorKind::WhatsappWeb => Some(WHATSAPP_WEB),
    };
    number.base_url.clone().or_else(|| default.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::{super::CheckStatus, *};
    use crate::model::{
        clock::SystemClock,
        ids::InstanceId,
        instance::{Health, InstanceState},
    };
    use futures_util::future::BoxFuture;
    use std::net::TcpListener;

    struct Nobody;

    impl Resolve for Nobody {
        fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, String>> {
            Box::pin(std::future::ready(Err("there is no such name".to_owned())))
        }
    }

    fn number(connector: ConnectorKind, base_url: Option<&str>) -> InstanceSurvey {
        InstanceSurvey {
            id: InstanceId::parse("shop").expect("an id"),
            account: AccountId(1),
            connector,
            base_url: base_url.map(str::to_owned),
            state: InstanceState::Open,
            reason: None,
            health: Health::Ok,
            paused_at: None,
        }
    }

    #[test]
    fn names_of_ours_are_looked_up_and_numbers_are_not() {
        assert_eq!(host_of("https://WA.example.com:8443/x"), Some("wa.example.com".into()));
        assert_eq!(host_of("https://192.0.2.1"), None);
        assert_eq!(host_of("https://[2001:db8::1]:443"), None);
        assert_eq!(judge_name("a.example", Ok(vec![IpAddr::from([192, 0, 2, 1])])).status, CheckStatus::Ok);
        assert_eq!(judge_name("a.example", Ok(vec![])).status, CheckStatus::Fail);
        assert_eq!(judge_name("a.example", Err("no such name".into())).status, CheckStatus::Fail);
    }

    #[tokio::test]
    async fn a_provider_that_is_gone_is_said_with_its_instances() {
        let gone = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port");
        let allow = vec![gone.to_string().parse().expect("an entry")];
        let egress = Egress::new(allow, Arc::new(Nobody), Arc::new(SystemClock));
        let url = format!("http://{gone}");
        let found = providers(
            &[
                number(ConnectorKind::Evolution, Some(&url)),
                number(ConnectorKind::CloudApi, None),
                number(ConnectorKind::Sandbox, None),
            ],
            &egress,
        )
        .await;
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|f| f.status == CheckStatus::Fail && f.text.contains("shop")), "{found:?}");
        let forbidden = Egress::new(Vec::new(), Arc::new(Nobody), Arc::new(SystemClock));
        let found = providers(&[number(ConnectorKind::Evolution, Some(&url))], &forbidden).await;
        assert!(found[0].text.contains("egress.allow"), "{found:?}");
    }
}
