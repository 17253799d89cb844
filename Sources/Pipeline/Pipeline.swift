/// Pipeline: the four stages put together for the operator's tool: trial run, demonstration, topics, final labels.
///
/// Promises: the same lanes as the executables run, only in one process or started as children.
