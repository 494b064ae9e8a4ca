extension ReportStore {
    /// How this server stands with a director it joins has changed.
    func recordJoin(_ status: JoinStatus) {
        guard let index = joins.firstIndex(where: { $0.director == status.director }) else { return }
        joins[index] = status
    }
}
