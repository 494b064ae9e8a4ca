/// Which server the next new connection goes to, by IPVS's names.
public enum SchedulerKind: String, Hashable, Sendable, CaseIterable {
    /// Round robin: one after the other, whatever the weight, skipping weight 0 (`net/netfilter/ipvs/ip_vs_rr.c`).
    case rr
    /// Weighted round robin: each as often as its weight says, interleaved (`net/netfilter/ipvs/ip_vs_wrr.c`).
    case wrr
}
