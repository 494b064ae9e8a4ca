/// How packets reach a real server, as `ipvsadm -g`, `-m` and `-i` say it.
public enum ForwardMethod: Hashable, Sendable {
    /// Direct routing: the server's MAC in the Ethernet header, nothing else.
    case direct
    /// Network address translation: the server's address and port in place of the VIP's, and back in its answers.
    case nat
    /// Tunnelling: the packet inside another one to the server.
    case tunnel(Tunnel)

    /// Whether answers come from the server's own address and are given the VIP's again.
    var isTranslating: Bool { self == .nat }

    /// By how much a packet grows, in bytes.
    var overhead: Int {
        if case .tunnel(let tunnel) = self { tunnel.overhead } else { 0 }
    }
}
