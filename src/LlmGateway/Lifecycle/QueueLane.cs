namespace LlmGateway.Lifecycle;

/// <summary>Those of one caller that wait, in the order in which they came.</summary>
/// <param name="name">The caller.</param>
internal sealed class QueueLane(string name)
{
    public string Name { get; } = name;

    public LinkedList<QueuePlace> Places { get; } = [];
}
