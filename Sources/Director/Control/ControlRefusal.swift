/// Why something asked for at run time was not done. Nothing was changed then.
struct ControlRefusal: Error, Hashable {
    /// What kind of refusal, by its status in HTTP (RFC 9110 §15.5).
    enum Kind: Int, Sendable {
        /// What was asked for makes no sense.
        case invalid = 400
        /// Who asks may not.
        case forbidden = 403
        /// There is no such service or server.
        case unknown = 404
        /// It does not fit what there is.
        case conflict = 409
    }

    var kind: Kind
    var error: DirectorError

    init(_ kind: Kind, operation: String, cause: String, cure: String = "") {
        self.kind = kind
        error = DirectorError(operation: operation, cause: cause, cure: cure)
    }

    init(_ kind: Kind, _ error: DirectorError) {
        self.kind = kind
        self.error = error
    }
}
