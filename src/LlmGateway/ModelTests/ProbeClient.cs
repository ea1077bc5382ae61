using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Routing;
using LlmGateway.Usage;

namespace LlmGateway.ModelTests;

/// <summary>Asks one model one question through the gateway's own chain, with no other target behind it.</summary>
/// <param name="send">The provider side.</param>
/// <param name="time">Clock of limits and measurements.</param>
/// <param name="usage">Accounts for the calls; null: nobody does.</param>
internal sealed class ProbeClient(Func<GatewayRequest, CancellationToken, Task<HttpResponseMessage>> send, TimeProvider time, UsageRecorder? usage = null)
{
    /// <summary>Agent and endpoint under which usage is recorded.</summary>
    public const string Agent = "model-tests";

    public const string Endpoint = "/admin/model-tests";

    private const string TokenLimit = "1024";

    /// <summary>No probe takes longer, whatever is configured.</summary>
    private static readonly TimeSpan LongestProbe = TimeSpan.FromSeconds(300);

    /// <summary>How long a cancelled stream is waited for.</summary>
    private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan CancelPoll = TimeSpan.FromMilliseconds(10);

    // Client keys carry limits; this one carries none.
    private static readonly ClientKey Key = new() { Name = Agent, Sha256 = [] };

    /// <summary>Asks and reads the whole answer, streamed or not.</summary>
    public Task<ProbeAnswer> AskAsync(GatewayConfig config, ProviderTarget target, string body, CancellationToken cancellationToken) =>
        RunAsync(config, target, body, ReadAsync, cancellationToken);

    /// <summary>Begins a stream and leaves it at its first token.</summary>
    public Task<ProbeAnswer> CancelAsync(GatewayConfig config, ProviderTarget target, string body, CancellationToken cancellationToken) =>
        RunAsync(config, target, body, LeaveAsync, cancellationToken);

    private async Task<ProbeAnswer> RunAsync(
        GatewayConfig config,
        ProviderTarget target,
        string body,
        Func<GatewayRequest, HttpResponseMessage, CancellationTokenSource, Task<ProbeAnswer>> read,
        CancellationToken cancellationToken)
    {
        var request = Create(config, target, body);
        var began = time.GetUtcNow();
        var status = 499;

        // The chain has clocks of its own; this one is for a chain that does not come back.
        using var limit = new CancellationTokenSource(request.TotalTimeout + TimeSpan.FromSeconds(5), time);
        using var cancelling = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await send(request, cancelling.Token);
            status = (int)response.StatusCode;
            var answer = response.Content is GatewayErrorContent error ? Failed(request, error.Error) : await read(request, response, cancelling);
            return Measured(request, answer);
        }
        catch (Exception exception) when (exception is OperationCanceledException or HttpRequestException or IOException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Measured(request, new ProbeAnswer { Reason = FailureReason.Timeout, Problem = "no end of the answer in time" });
        }
        finally
        {
            usage?.Settle(new SettledRequest
            {
                Tally = request.Tally,
                Key = Key,
                Agent = Agent,
                Strategy = request.Strategy,
                Endpoint = Endpoint,
                Status = status,
                IsStreaming = request.Scan.IsStreaming,
                Time = began,
                Duration = time.GetElapsedTime(request.Tally.Started),
            });
        }
    }

    private GatewayRequest Create(GatewayConfig config, ProviderTarget target, string body)
    {
        // What is configured of the model is what is being tested, and must not keep the question from it.
        var plain = target with
        {
            ModelConfig = target.ModelConfig is { } known ? known with { ContextWindow = null, SupportsTools = null, SupportsVision = null, SupportsJsonSchema = null } : null,
            Sampling = new SamplingDefaults { MaxTokens = TokenLimit },
            OnlyAfter = null,
        };
        var bytes = Encoding.UTF8.GetBytes(body);
        var (scan, error) = RequestScanner.ScanChat(bytes);
        var longest = target.FirstTokenTimeout is { } first && first > target.Timeout ? first : target.Timeout;
        return new GatewayRequest
        {
            Operation = Operation.ChatCompletions,
            Body = bytes,
            Scan = scan ?? throw new InvalidOperationException(error!.Message),

            // A model that lacks an ability fails probes in a row; that opens no circuit for those who do not ask for it.
            Config = config with { RetryAttempts = 0, Circuit = config.Circuit with { Failures = int.MaxValue } },
            Profile = new AgentProfile { Name = Agent, Target = plain },
            Key = Key,
            Identity = new Identity(null, config.UserId, config.UserType),
            Strategy = RoutingStrategies.Single,
            TotalTimeout = Least(config.TotalTimeout, longest, LongestProbe),
            Tally = new RequestTally($"{Agent}-{UniqueIds.NewVersion4():N}", UniqueIds.NewVersion7(time.GetUtcNow()), time.GetTimestamp()),
        };
    }

    private static TimeSpan Least(params ReadOnlySpan<TimeSpan> times)
    {
        var least = times[0];
        foreach (var limit in times)
        {
            least = limit < least ? limit : least;
        }

        return least;
    }

    private static ProbeAnswer Failed(GatewayRequest request, GatewayError error)
    {
        var attempt = request.Tally.LastAttempt;
        var reason = attempt is { Outcome: not FailureReason.None } ? attempt.Outcome : request.Tally.FallbackReason;
        reason = reason == FailureReason.None ? FailureReason.InvalidResponse : reason;
        var saysMore = reason is FailureReason.InvalidRequest or FailureReason.ContextLength or FailureReason.ContentFilter or FailureReason.MissingApiKey or FailureReason.Unsupported;
        var status = attempt is { Status: not (0 or 200) } ? $" (status {attempt.Status})" : "";
        return new ProbeAnswer { Reason = reason, Problem = reason.ToName() + status + (saysMore ? ": " + error.Message : "") };
    }

    private static Task<ProbeAnswer> ReadAsync(GatewayRequest request, HttpResponseMessage response, CancellationTokenSource cancelling) =>
        request.Scan.IsStreaming ? ReadStreamAsync(response, cancelling.Token) : ReadWholeAsync(response, cancelling.Token);

    private static async Task<ProbeAnswer> ReadWholeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(body);
            var choice = document.RootElement.GetProperty("choices")[0];
            var message = choice.GetProperty("message").Clone();
            return new ProbeAnswer { Message = message, Text = TextOf(message, "content"), FinishReason = TextOf(choice, "finish_reason") is { Length: > 0 } reason ? reason : null, IsComplete = true };
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return new ProbeAnswer { Reason = FailureReason.InvalidResponse, Problem = "the answer has no message" };
        }
    }

    private static async Task<ProbeAnswer> ReadStreamAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var text = new StringBuilder();
        string? finish = null;
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken))
        {
            if (item.Data == "[DONE]")
            {
                return new ProbeAnswer { Text = text.ToString(), FinishReason = finish, IsComplete = finish is not null };
            }

            try
            {
                using var document = JsonDocument.Parse(item.Data);
                if (document.RootElement.TryGetProperty("error", out _))
                {
                    return new ProbeAnswer { Reason = FailureReason.Connection, Problem = "the stream broke off" };
                }

                finish = Collect(document.RootElement, text) ?? finish;
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException)
            {
                return new ProbeAnswer { Reason = FailureReason.InvalidResponse, Problem = "the stream holds something that is no answer" };
            }
        }

        return new ProbeAnswer { Text = text.ToString(), FinishReason = finish };
    }

    /// <summary>Adds a chunk's text, and answers the finish reason if it brings one.</summary>
    private static string? Collect(JsonElement chunk, StringBuilder text)
    {
        string? finish = null;
        if (chunk.TryGetProperty("choices", out var choices))
        {
            foreach (var choice in choices.EnumerateArray())
            {
                finish = TextOf(choice, "finish_reason") is { Length: > 0 } reason ? reason : finish;
                text.Append(choice.TryGetProperty("delta", out var delta) ? TextOf(delta, "content") : "");
            }
        }

        return finish;
    }

    private async Task<ProbeAnswer> LeaveAsync(GatewayRequest request, HttpResponseMessage response, CancellationTokenSource cancelling)
    {
        // The chain answers with a stream's first token in hand, so here is the middle of the stream.
        if (request.Tally.LastAttempt is not { HasEnded: false } attempt)
        {
            return new ProbeAnswer { WasOverBeforeCancel = true };
        }

        var left = time.GetTimestamp();
        await cancelling.CancelAsync();
        response.Dispose();
        while (!attempt.HasEnded && time.GetElapsedTime(left) < CancelPatience)
        {
            await Task.Delay(CancelPoll, time, CancellationToken.None);
        }

        return attempt switch
        {
            { HasEnded: false } => new ProbeAnswer(),
            { Outcome: FailureReason.None } => new ProbeAnswer { WasOverBeforeCancel = true },
            _ => new ProbeAnswer { EndedAfterCancel = time.GetElapsedTime(left, Math.Max(left, attempt.Ended)) },
        };
    }

    private ProbeAnswer Measured(GatewayRequest request, ProbeAnswer answer)
    {
        var measured = answer with { Duration = time.GetElapsedTime(request.Tally.Started) };
        if (!answer.IsAnswer || request.Tally.LastAttempt is not { FirstToken: > 0 } attempt)
        {
            return measured;
        }

        var writing = attempt.HasEnded ? time.GetElapsedTime(attempt.FirstToken, attempt.Ended) : TimeSpan.Zero;
        return measured with
        {
            IsUsageReported = attempt.Usage is { IsEstimated: false },
            TimeToFirstToken = time.GetElapsedTime(attempt.Started, attempt.FirstToken),
            TokensPerSecond = request.Scan.IsStreaming && attempt.Usage is { Output: > 1 and var output } && writing > TimeSpan.Zero ? Math.Round((output - 1) / writing.TotalSeconds, 1) : null,
        };
    }

    private static string TextOf(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
