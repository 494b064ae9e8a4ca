internal import ConfigurationFile
internal import Lab
internal import Testing

@testable internal import Director

@Suite("how many workers there are")
struct WorkerCountTests {
    @Test("one for each core that this process may run on, 64 at most, unless the file says")
    func count() async throws {
        // nproc(1) asks the kernel the same, of its own process, which inherits what this one may do.
        let cores = try #require(Int(try await Command.run(["nproc"]).output.prefix { $0 != "\n" }))
        var configuration = DirectorConfiguration(interfaces: ["eth0"], services: [])
        #expect(configuration.workers == nil && configuration.workerCount == min(64, cores))
        configuration.workers = 3
        #expect(configuration.workerCount == 3)
    }
}
