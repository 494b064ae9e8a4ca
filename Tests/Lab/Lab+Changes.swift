extension Lab {
    /// What is different on a host since `text` was read, a line each, but for the connections that a director leaves to the next
    /// one on purpose. Empty: nothing.
    public func changes(on host: LabHost, since text: String) async throws -> String {
        let now = try await host.text()
        return host.name == director.name
            ? HostText.differenceOfDirector(text, now) : HostText.difference(text, now)
    }
}

extension HostText {
    /// What a director that is stopped leaves in its folder, for the next one to go on with.
    private static let meantForTheNext = ["+ run:", "+ run/flows:f:600:", "+ run/made-by-rsdirector:"]

    /// The difference between a director's host before it was started and after it was stopped, without the connections that it
    /// leaves to the next one on purpose.
    public static func differenceOfDirector(_ before: String, _ after: String) -> String {
        difference(before, after).split(separator: "\n")
            .filter { line in !meantForTheNext.contains { line.hasPrefix($0) } }
            .joined(separator: "\n")
    }
}
