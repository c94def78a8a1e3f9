// Package upstream keeps what a connection to a backend or target needs.
//
// A [Set] has one [Cluster] for every upstream that a table names. The Set's goroutines keep its
// servers up to date: they look up names as often as the answers' time to live says, ask servers
// whether they are well, and take those out of the choice whose answers say that they are not. The
// event loops see a snapshot of that, which they read without a lock: [Cluster.Pick] chooses a
// server. A [Pool] keeps the connections of one loop to one Cluster.
//
// # Names
//
// Names are looked up as the machine's own programs do: in /etc/hosts, then at the name servers of
// /etc/resolv.conf with its search list and options; both files count as soon as they change.
// /etc/nsswitch.conf does not count. The addresses of both families are servers, but for those that
// the machine has no route to.
//
//   - Addresses are looked up again when their time to live ends, after 1 s at the earliest and 10
//     minutes at the latest.
//   - When a look-up fails, the addresses stay, and it is tried again after 1, 2, 4 … 30 s.
//   - When a name that had addresses is said not to exist, or to have none, they stay for 30 s more.
//     Then they are dropped, as Envoy and nginx do at once: a service that is gone should fail clearly.
//   - SRV records: the servers of the lowest priority are used while half of them are well, else those
//     of the next. Weights count, 0 as 1. Hosts that come without addresses are looked up.
//
// # Health
//
// A server can be ejected for failures in a row that live requests met ([Server.Ended]), and it can be
// unsound, because active checks say so. While it is either, it is not picked.
//
// But while fewer than half of the servers of every priority are well, all servers of the first are
// picked. When nearly all seem ill, it is more likely that the checks are wrong, and the few that are
// left would fall under the load of all.
package upstream
