/// Which server the next new connection goes to, by IPVS's names (ipvsadm(8), scheduling-method). Each follows the kernel's
/// `net/netfilter/ipvs/ip_vs_NAME.c` of Linux 6.12; what differs is said where it is done.
///
/// None ever picks a server of weight 0, nor one that has reached its upper threshold (``RealServer/upper``). Of servers that
/// are equally good the first in the list is taken.
public enum SchedulerKind: String, Hashable, Sendable, CaseIterable {
    /// Round robin: one after the other, whatever the weight.
    case rr
    /// Weighted round robin: each as often as its weight says, interleaved.
    case wrr
    /// Least connections: the one with the fewest, an active one counting as 256 inactive ones.
    case lc
    /// Weighted least connections: the same, divided by the weight.
    case wlc
    /// Shortest expected delay: the fewest active connections, this one included, divided by the weight.
    case sed
    /// Never queue: a server without active connections, else as `sed`.
    case nq
    /// Source hashing: by the client's address over 256 slots, of which each server has as many in a row as its weight says.
    /// Where that server may get none, nobody answers, but for ``SchedulerOptions/fallsBack``.
    case sh
    /// Destination hashing: by the VIP over 256 slots, whatever the weight. Where that server may get none, nobody answers.
    case dh
    /// Maglev hashing: by the client's address over 65,537 cells, shared out by weight; the same on every director.
    /// Where that server may get none, nobody answers, but for ``SchedulerOptions/fallsBack``.
    case mh
    /// Fail over: the one with the greatest weight.
    case fo
    /// Overflow: the one with the greatest weight among those with no more active connections than that.
    case ovf
    /// Locality-based least connections: the server that the VIP had last, until it is overloaded and another is idle.
    case lblc
    /// The same with replication: the least loaded of the servers that the VIP had, which become more when they are overloaded
    /// and fewer once a day.
    case lblcr
    /// Power of two choices: of two servers drawn at random by weight, the one with the lower load.
    case twos
}
