/// The two sysctls that decide what a host says in ARP (Documentation/networking/ip-sysctl.rst).
public struct ARPSettings: Sendable, Hashable {
    /// `arp_ignore`: which who-has are answered.
    public var ignore: Int
    /// `arp_announce`: which source address a who-has may carry.
    public var announce: Int

    /// The two values.
    public init(ignore: Int, announce: Int) {
        self.ignore = ignore
        self.announce = announce
    }

    /// The value of one of the two.
    public subscript(key: ARPSysctl.Key) -> Int {
        get {
            switch key {
            case .arpIgnore: ignore
            case .arpAnnounce: announce
            }
        }
        set {
            switch key {
            case .arpIgnore: ignore = newValue
            case .arpAnnounce: announce = newValue
            }
        }
    }
}

/// One of the ARP sysctls, of one interface or of `conf.all`.
public struct ARPSysctl: Sendable, Hashable {
    /// Whose it is.
    public var scope: Scope
    /// Which of the two it is.
    public var key: Key

    /// The sysctl `key` of `scope`.
    public init(_ key: Key, of scope: Scope) {
        self.scope = scope
        self.key = key
    }

    /// Which sysctl, by the kernel's name.
    public enum Key: String, Sendable, Hashable, Codable, CaseIterable {
        /// `arp_ignore`.
        case arpIgnore = "arp_ignore"
        /// `arp_announce`.
        case arpAnnounce = "arp_announce"

        /// Whether a VIP on `lo` stays hidden while this is the effective value, the larger of `conf.all`'s and the
        /// interface's own (`IN_DEV_MAXCONF`, include/linux/inetdevice.h).
        ///
        /// `arp_ignore`: 1, 2 and 8 hide it; 3 hides only addresses of scope host; 0, 4 to 7 and any number the kernel does
        /// not know answer (`arp_ignore()`, net/ipv4/arp.c). `arp_announce`: only 2 never lets a who-has carry it; a larger
        /// number is not known and acts as 0 (`arp_solicit()`, net/ipv4/arp.c).
        public func hidesVIP(effective value: Int) -> Bool {
            switch self {
            case .arpIgnore: value == 1 || value == 2 || value == 8
            case .arpAnnounce: value == 2
            }
        }

        /// What is set on an interface that does not hide the VIP: the weakest value that does.
        var hidingValue: Int {
            switch self {
            case .arpIgnore: 1
            case .arpAnnounce: 2
            }
        }

        /// What `conf.all` is lowered to where its present value keeps every interface from hiding the VIP, or nil where it
        /// does not stand in the way. 3 keeps what it hid (scope host) hidden as 1; other values act as 0 and become 0.
        func loweredAll(from value: Int) -> Int? {
            switch self {
            case .arpIgnore: (0...2).contains(value) || value == 8 ? nil : value == 3 ? 1 : 0
            case .arpAnnounce: (0...2).contains(value) ? nil : 0
            }
        }
    }

    /// Whose sysctl it is.
    public enum Scope: Sendable, Hashable {
        /// `net.ipv4.conf.all`.
        case all
        /// `net.ipv4.conf.NAME` of the interface with this index.
        case interface(index: Int32, name: String)

        /// The name in the sysctl's path.
        public var name: String {
            switch self {
            case .all: "all"
            case .interface(_, let name): name
            }
        }
    }
}

extension ARPSysctl: CustomStringConvertible {
    /// The name as sysctl(8) takes it. An interface name may hold dots: then the path is written with slashes.
    public var description: String {
        scope.name.contains(".")
            ? "net/ipv4/conf/\(scope.name)/\(key.rawValue)" : "net.ipv4.conf.\(scope.name).\(key.rawValue)"
    }

    /// The file under `/proc/sys`.
    var path: String { "/proc/sys/net/ipv4/conf/\(scope.name)/\(key.rawValue)" }
}
