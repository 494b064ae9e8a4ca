/// The checkout the tests were built from.
enum Repository {
    /// Its path, from where this file was compiled.
    static let path = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
        separator: "/")
}
