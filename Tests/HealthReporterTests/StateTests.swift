import Glibc
import Testing

@testable import HealthReporter

@Suite("What survives a restart")
struct StateTests {
    let folder = Folder()

    @Test("a state file is replaced as a whole, and read back")
    func replace() throws {
        let file = folder.file("x")
        #expect(try file.read() == nil)
        try file.write(Array("one, and long".utf8))
        try file.write(Array("two".utf8))
        #expect(try file.read() == Array("two".utf8))
    }

    @Test("on a full disk the old content stays, and the error says so")
    func full() throws {
        let file = folder.file("x")
        try file.write([1])
        folder.fillDisk(for: "x")
        let error = #expect(throws: ReporterError.self) { try file.write([2]) }
        #expect(error?.cause == "No space left on device")
        #expect(error?.cure == "make room on the file system of \(folder.path)")
        #expect(try file.read() == [1])
        // What was begun is removed, so that there is room again.
        try file.write([3])
        #expect(try file.read() == [3])
    }

    @Test("a folder whose parent is missing is an error that names it")
    func noParent() {
        let error = #expect(throws: ReporterError.self) {
            try StateFile("x", in: "\(self.folder.path)/a/b").createDirectory()
        }
        #expect(error?.description.contains("\(folder.path)/a/b") == true)
        #expect(error?.cure.contains("state_dir") == true)
    }

    @Test("a drain is read back with its end and its generation")
    func adminRoundTrip() throws {
        let state = AdminState().asking(
            for: .drain, of: ["web", "dns"], reason: "kernel \"6.1\"", until: noon.adding(seconds: 60), now: noon,
            generation: 9)
        try folder.file("admin.json").write(state.content)
        #expect(try AdminState.load(from: folder.file("admin.json")) == state)
    }

    @Test(
        "a damaged record of drains stops the start, and says which file and what to do",
        arguments: [
            "", "{", #"{"version":2,"services":{}}"#, #"{"version":1}"#, #"{"version":1,"services":{"web":{}}}"#,
        ])
    func damagedAdmin(text: String) throws {
        try folder.write(text, to: "admin.json")
        let error = #expect(throws: ReporterError.self) { try makeStore(in: self.folder) }
        #expect(error?.kind == .storage)
        #expect(error?.description.contains("\(folder.path)/admin.json") == true)
        #expect(error?.cure.contains("delete it if no service is to be drained") == true)
        #expect(try folder.file("admin.json").read() == Array(text.utf8), "it must be left as it is")
    }

    @Test("asking again for what already is keeps the generation; asking for something else does not")
    func askAgain() {
        let first = AdminState().asking(for: .drain, of: ["web"], reason: "a", until: nil, now: noon, generation: 9)
        let later = noon.adding(seconds: 5)
        let again = first.asking(for: .drain, of: ["web"], reason: "b", until: later, now: later, generation: 12)
        #expect(again.services["web"]?.generation == 9)
        #expect(again.services["web"]?.since == noon)
        #expect(again.services["web"]?.reason == "b")
        #expect(again.services["web"]?.until == later)
        let maint = again.asking(for: .maint, of: ["web"], reason: "", until: nil, now: later, generation: 12)
        #expect(maint.services["web"]?.generation == 12)
        #expect(maint.withdrawing(["web"]) == AdminState())
    }

    @Test("a generation is never given twice, whenever the agent is killed")
    func neverBack() throws {
        var latest: UInt64 = 0
        for advances in [1, 3, 0, Int(GenerationCounter.block) * 2 + 1, 511, 512, 513] {
            var counter = try GenerationCounter(file: folder.file("generation"), logger: silent, now: noon)
            for _ in 0..<advances {
                advance(&counter)
                #expect(counter.value > latest)
                #expect(!counter.isOwed)
                latest = counter.value
            }
        }
    }

    /// Gives a number and reserves more where that is due, as the store does, which does not wait for it.
    private func advance(_ counter: inout GenerationCounter) {
        counter.advance()
        guard let bound = counter.due,
            (try? counter.file.write(GenerationCounter.content(reserving: bound))) != nil
        else { return }
        counter.reserve(bound)
        _ = counter.settle()
    }

    @Test("no number is given beyond what is reserved, nor the one that is kept; what is owed is given once it can be")
    func owed() throws {
        var counter = try GenerationCounter(file: folder.file("generation"), logger: silent, now: noon)
        let kept = counter.hold()
        counter.advance()
        #expect(counter.value == kept - 1)
        #expect(counter.isOwed)
        var isGiven = counter.settle()
        #expect(!isGiven)
        counter.release()
        isGiven = counter.settle()
        #expect(isGiven)
        #expect(counter.value == kept)
        isGiven = counter.settle()
        #expect(!isGiven, "it was given before")

        for _ in 0..<2 * GenerationCounter.block { counter.advance() }
        #expect(counter.value == counter.reserved)
        #expect(counter.isOwed)
        let bound = try #require(counter.due)
        counter.reserve(bound)
        isGiven = counter.settle()
        #expect(isGiven)
        #expect(counter.value == bound - GenerationCounter.block + 1)
        #expect(!counter.isOwed)
    }

    @Test("where the generation's file is lost, counting goes on beyond what is asked for by hand")
    func lostGeneration() async throws {
        let store = try makeStore(in: folder, services: [makeService()])
        for _ in 0..<5 {
            _ = try await store.ask(for: .maint, ControlRequest()); _ = try await store.undrain(ControlRequest())
        }
        let drained = try await store.ask(for: .drain, ControlRequest()).administered[0].generation
        #expect(drained > 5)
        #expect(unlink("\(folder.path)/generation") == 0)
        #expect(try await makeStore(in: folder, services: [makeService()]).generation > drained)
    }

    @Test("a disk that was full for a while does not set the generation back")
    func fullForAWhile() throws {
        var counter = try GenerationCounter(file: folder.file("generation"), logger: silent, now: noon)
        for round in 0..<2_000 {
            if round % 2 == 0 { folder.fillDisk(for: "generation") }
            advance(&counter)
            folder.emptyDisk(for: "generation")
        }
        #expect(
            try GenerationCounter(file: folder.file("generation"), logger: silent, now: noon).value >= counter.value)
    }

    @Test(
        "a damaged generation is gone on from at the time in milliseconds",
        arguments: ["", "x", "-1", "99999999999999999999999", "\u{0}"])
    func damagedGeneration(text: String) throws {
        try folder.write(text, to: "generation")
        let counter = try GenerationCounter(file: folder.file("generation"), logger: silent, now: noon)
        #expect(counter.value == UInt64(noon.secondsSinceEpoch) * 1_000)
    }
}
