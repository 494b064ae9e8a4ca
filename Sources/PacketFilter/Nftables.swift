internal import CNftables

/// One libnftables context: commands in as JSON (libnftables-json(5)), answers and errors out as text. No process is
/// started. It speaks to the network namespace of the thread that created it. Not for use by two threads at once.
public struct Nftables: ~Copyable {
    private let context: OpaquePointer

    /// Opens a context. Nothing is asked of the kernel yet.
    public init() throws(PacketFilterError) {
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw PacketFilterError(operation: "open libnftables", message: "out of memory")
        }
        guard nft_ctx_buffer_output(context) == 0, nft_ctx_buffer_error(context) == 0 else {
            nft_ctx_free(context)
            throw PacketFilterError(operation: "open libnftables", message: "out of memory")
        }
        // In libnftables 1.0 this flag governs input as well: without it the buffer is read as nft's own language.
        // Protocols come as numbers: their names depend on the host's /etc/protocols.
        nft_ctx_output_set_flags(
            context, UInt32(NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_PROTO))
        self.context = context
    }

    deinit {
        nft_ctx_free(context)
    }

    /// Runs a document as one transaction: all of it takes effect, or nothing does. Returns what nftables answered,
    /// as JSON; empty where nothing was asked. `operation` is the words for the error.
    /// Equivalent to: `nft -j -f - <<< DOCUMENT`. Needs CAP_NET_ADMIN.
    @discardableResult
    public borrowing func run(_ document: String, operation: String) throws(PacketFilterError) -> String {
        let status = nft_run_cmd_from_buffer(context, document)
        // Both buffers are emptied with each reading.
        let answer = nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
        let complaint = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? ""
        guard status == 0 else {
            throw PacketFilterError(operation: operation, message: Self.readable(complaint))
        }
        return answer
    }

    /// nftables' first error line without the position in a file that there is not (`internal:0:0-0: Error: …`).
    private static func readable(_ complaint: String) -> String {
        guard let line = complaint.split(separator: "\n").first else { return "refused without a reason" }
        guard let mark = line.range(of: "Error: ") else { return String(line) }
        return String(line[mark.upperBound...])
    }
}

extension Substring {
    /// Where `text` first occurs.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            formIndex(after: &start)
        }
        return nil
    }
}
