/// The checkout the tests were built from.
public enum Repository {
    /// Its path, from where this file was compiled.
    public static let path = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(
        separator: "/")
}
