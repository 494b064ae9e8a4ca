internal import Glibc

/// Why frames could not be taken from an interface or put on it: what was tried, where, and what to do about it.
public struct PacketIOError: Error, Hashable, Sendable {
    /// What stood in the way.
    public enum Cause: Hashable, Sendable {
        /// The process lacks this capability (capabilities(7)), named as in `CAP_NET_RAW`.
        case missingCapability(String)
        /// No interface has this name in this network namespace.
        case noSuchInterface
        /// The interface is there, but down: it may come back.
        case interfaceDown
        /// The interface is not Ethernet; the value is its ARPHRD_ type.
        case notEthernet(UInt16)
        /// The kernel refused with this errno.
        case system(CInt)
    }

    /// The operation that failed, in the words of its manual page: `setsockopt PACKET_RX_RING`.
    public var operation: String
    /// The interface it was for; empty where it was for none.
    public var interface: String
    /// What stood in the way.
    public var cause: Cause

    /// Creates an error.
    public init(operation: String, interface: String, cause: Cause) {
        self.operation = operation
        self.interface = interface
        self.cause = cause
    }

    /// Whether the interface went away and the same call may succeed once it is back.
    public var isInterfaceLoss: Bool {
        switch cause {
        case .noSuchInterface, .interfaceDown: true
        case .missingCapability, .notEthernet, .system: false
        }
    }
}

extension PacketIOError {
    /// From `errno`, read at once after the failing call.
    static func last(_ operation: String, _ interface: String) -> PacketIOError {
        PacketIOError(operation: operation, interface: interface, number: errno)
    }

    /// From an errno, with those an operator can cure told apart.
    init(operation: String, interface: String, number: CInt) {
        let cause: Cause =
            switch number {
            case EPERM, EACCES: .missingCapability("CAP_NET_RAW")
            case ENODEV, ENXIO: .noSuchInterface
            case ENETDOWN: .interfaceDown
            default: .system(number)
            }
        self.init(operation: operation, interface: interface, cause: cause)
    }
}

extension PacketIOError: CustomStringConvertible {
    /// What failed, on what, why, and what to do.
    public var description: String {
        let place = interface.isEmpty ? operation : "interface \(interface): \(operation)"
        return switch cause {
        case .missingCapability(let name):
            "\(place): not permitted: the process needs \(name); run it as root, or give its unit AmbientCapabilities=\(name)"
        case .noSuchInterface:
            "\(place): there is no such interface here; `ip link` lists those there are"
        case .interfaceDown:
            "\(place): the interface is down or gone; `ip link set \(interface) up` brings up one that is down"
        case .notEthernet(let type):
            "\(place): not an Ethernet interface (ARPHRD type \(type)), and only Ethernet frames can be forwarded"
        case .system(let number):
            "\(place): \(String(cString: strerror(number)))"
        }
    }
}
