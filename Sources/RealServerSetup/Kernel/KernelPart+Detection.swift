internal import CLinux
internal import ConfigurationFile
internal import Glibc
internal import NetworkAddress

extension KernelPart {
    /// The parts that `request` needs and this kernel has neither in it nor as a module it could load. Nothing is loaded.
    static func missing(of request: SetupRequest) -> Set<KernelPart> {
        Set(needed(for: request).filter { !$0.isAvailable })
    }

    /// What the request may need: of the tunnels those of every family the directors could send from.
    static func needed(for request: SetupRequest) -> Set<KernelPart> {
        var parts: Set<KernelPart> = []
        for service in request.tunnelledServices {
            switch service.tunnel?.type {
            case .ipip?: parts.formUnion([.ipip, .sit, .ip6Tunnel])
            case .gue?: parts.formUnion([.ipip, .sit, .ip6Tunnel, .fou])
            case .gre?: parts.formUnion([.gre, .ip6GRE])
            case nil: break
            }
        }
        if !parts.isEmpty || request.isARPBlocked || !request.returningServices.isEmpty { parts.insert(.nftables) }
        return parts
    }

    /// Whether the kernel has the part: loaded, built in, or as a module in `/lib/modules`, which it loads when it is needed.
    var isAvailable: Bool {
        if access("/sys/module/\(rawValue)", F_OK) == 0 { return true }
        if let device = fallbackDevice, access("/sys/class/net/\(device)", F_OK) == 0 { return true }
        // Nobody can tell: then the kernel does when it is asked. A service unit may be kept from kallsyms, and a container has
        // no /lib/modules of the kernel's.
        guard let symbols = Self.symbols else { return Self.listed.isEmpty || isListed }
        return isListed || symbols.contains(symbol)
    }

    /// The kernel never loads fou by itself: its generic netlink family has no alias.
    private var isListed: Bool { self != .fou && Self.listed.contains(rawValue) }

    /// The device that comes with the module, in every namespace unless `fb_tunnels_only_for_init_net` is set.
    private var fallbackDevice: String? {
        switch self {
        case .ipip: "tunl0"
        case .sit: "sit0"
        case .ip6Tunnel: "ip6tnl0"
        case .gre: "gre0"
        case .ip6GRE: "ip6gre0"
        case .fou, .nftables: nil
        }
    }

    /// A function that is in the kernel's symbol table where the part is built in, and `/lib/modules` is not there to tell.
    private var symbol: String {
        switch self {
        case .ipip: "ipip_newlink"
        case .sit: "ipip6_newlink"
        case .ip6Tunnel: "ip6_tnl_newlink"
        case .gre: "ipgre_newlink"
        case .ip6GRE: "ip6gre_newlink"
        case .fou: "gue_build_header"
        case .nftables: "nf_tables_newtable"
        }
    }

    /// The modules that `/lib/modules/RELEASE` names, built in or to be loaded, with `_` for `-` as the kernel has it.
    /// Read once: a kernel is given new modules only by a reboot into another.
    private static let listed: Set<String> = {
        var names = utsname()
        uname(&names)
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        var modules: Set<String> = []
        for list in ["modules.dep", "modules.builtin"] {
            guard let text = try? File.read("/lib/modules/\(release)/\(list)") else { continue }
            for line in text.split(separator: UInt8(ascii: "\n")) {
                let path = line.prefix { $0 != UInt8(ascii: ":") }
                let file = path.split(separator: UInt8(ascii: "/")).last ?? path
                let name = file.prefix { $0 != UInt8(ascii: ".") }.map {
                    $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0
                }
                modules.insert(String(decoding: name, as: UTF8.self))
            }
        }
        return modules
    }()

    /// The symbols of this kernel that stand for parts, or nil where they may not be read. Every line is `ADDRESS TYPE NAME`,
    /// a module's with a tab behind it.
    private static let symbols: Set<String>? = {
        guard let text = try? File.read("/proc/kallsyms"), !text.isEmpty else { return nil }
        return Set(
            allCases.map(\.symbol).filter { symbol in
                [" \(symbol)\n", " \(symbol)\t"].contains { (line: String) in
                    clinux_contains(text, text.count, line, line.utf8.count) != 0
                }
            })
    }()
}
