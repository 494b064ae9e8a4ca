internal import NetworkAddress

/// What putting one thing back takes.
enum Restoration: Equatable {
    case nothing
    case leave(String)
    case change(Change)
}

extension HostSnapshot {
    /// What putting `target` back takes on this host. A value is restored only while it is the one rsagent wrote: otherwise
    /// someone else has decided since, and theirs stays.
    func restoration(of target: Journal.Target, _ held: [IPAddress: [Address]]) -> Restoration {
        switch target {
        case .sysctl(let recorded, let original, let written):
            var sysctl = recorded
            if case .interface(let index, _) = recorded.scope {
                guard let interface = interface(index) else { return .nothing }
                sysctl.scope = .interface(index: index, name: interface.name)
            }
            guard let value = value(of: sysctl), value != original else { return .nothing }
            guard value == written else {
                return .leave("\(sysctl) is \(value): rsagent had set \(written), someone else has changed it since")
            }
            return .change(.set(sysctl, from: value, to: original))
        case .object(let shapes):
            if let found = shapes.first(where: { isThere($0, held) }) { return .change(.remove(found)) }
            if case .different(let what)? = shapes.first.map({ presence(of: $0, held) }) { return .leave(what) }
            return .nothing
        }
    }

    /// Something that lets packets in, bears a name that only rsagent gives, and is not on record: then the record was cut,
    /// and putting back what is left of it would take the protection away from under it.
    func stray(from ownership: Ownership) -> HostObject? {
        for interface in interfaces where interface.name.hasPrefix("rsagent-") {
            guard let tunnel = interface.tunnel, ownership.made[.tunnel(name: interface.name)] == nil else { continue }
            return .tunnel(tunnel, name: interface.name)
        }
        for address in addresses where address.label != nil {
            let placed = HostObject.address(
                HostObject.PlacedAddress(
                    address.prefix, interface: address.interface,
                    interfaceName: interface(address.interface)?.name ?? "", label: address.label,
                    isNeverSource: address.isNeverSource))
            if placed.bearsOurName, ownership.made[placed.identity] == nil { return placed }
        }
        return nil
    }

    /// The change that takes `change` back, or nil where it never took effect.
    func inverse(of change: Change, _ held: [IPAddress: [Address]]) -> Change? {
        switch change {
        case .set(let sysctl, let original, let written):
            value(of: sysctl) == written && written != original ? .set(sysctl, from: written, to: original) : nil
        case .add(let object): isThere(object, held) ? .remove(object) : nil
        case .remove(let object): presence(of: object, held) == .absent ? .add(object) : nil
        // Of rsagent's own making, and about to go with it.
        case .bringUp: nil
        }
    }
}
