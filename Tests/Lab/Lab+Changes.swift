extension Lab {
    /// What a director that is stopped leaves in its folder, for the next one to go on with.
    private static let meantForTheNext = ["+ run:", "+ run/flows:f:600:", "+ run/made-by-rsdirector:"]

    /// What is different on a host since `text` was read, a line each, but for the connections that a director leaves to the next
    /// one on purpose. Empty: nothing.
    public func changes(on host: LabHost, since text: String) async throws -> String {
        let difference = HostText.difference(text, try await host.text()).split(separator: "\n")
        guard host.name == director.name else { return difference.joined(separator: "\n") }
        return difference.filter { line in !Self.meantForTheNext.contains { line.hasPrefix($0) } }
            .joined(separator: "\n")
    }
}
