namespace LlmGateway.Resilience;

/// <summary>What a provider still sends after the last event of a whole stream: as a rule nothing but the frame that says so.</summary>
internal static class ReplyEnd
{
    /// <summary>For how long the end is waited for. Nobody waits for the answer any more, and its tokens have been made.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private const int MostBytes = 64 * 1024;

    /// <summary>Reads to the end and lets go of the reply; never throws.</summary>
    public static async Task ReadAsync(HttpResponseMessage response, Stream source, TimeProvider time)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            var rest = new byte[256];
            for (int received = 0, read; received < MostBytes && (read = await source.ReadAsync(rest, patience.Token)) > 0;)
            {
                received += read;
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or HttpRequestException)
        {
            // It never said that this was the end, or broke the connection: the answer is whole all the same.
        }
        finally
        {
            response.Dispose();
        }
    }
}
