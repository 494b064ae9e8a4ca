/// How packets reach a real server, as `ipvsadm -g`, `-m` and `-i` say it.
public enum ForwardMethod: Hashable, Sendable {
    /// Direct routing: the server's MAC in the Ethernet header, nothing else.
    case direct
    /// Network address translation: the server's address and port in place of the VIP's, and back in its answers.
    case nat
}
