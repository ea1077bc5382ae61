namespace LlmGateway.Lifecycle;

/// <summary>One request's place in a queue: true when its turn has come, false when it is sent away.</summary>
/// <param name="lane">The lane in which it stands.</param>
internal sealed class QueuePlace(QueueLane lane) : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public QueueLane Lane { get; } = lane;
}
