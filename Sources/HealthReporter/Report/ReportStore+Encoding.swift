extension ReportStore {
    /// A report as it goes over the wire.
    struct EncodedReport: Sendable {
        let time: Timestamp
        let generation: UInt64
        let body: [UInt8]
    }

    /// The body of an answer to `GET /v1/report` as of now, with a newline behind it.
    ///
    /// Encoding takes longer than all the rest of an answer, so a report is encoded once for all who ask in the same
    /// second, unless it changes.
    func reportBody(at now: Timestamp = .now()) -> [UInt8] {
        if let encoded, encoded.time == now, encoded.generation == generation { return encoded.body }
        let body = report(at: now).json() + [UInt8(ascii: "\n")]
        encoded = EncodedReport(time: now, generation: generation, body: body)
        return body
    }
}
