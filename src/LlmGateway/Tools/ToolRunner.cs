using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools;

/// <summary>Runs the tool calls of one round, at once and within bounds of number, time and size. A tool that fails is an error text for the model.</summary>
internal sealed partial class ToolRunner(TimeProvider time, ILogger<ToolRunner> logger)
{
    /// <summary>Calls of one round beyond this are refused.</summary>
    public const int MaxCalls = 16;

    /// <summary>Characters of a result that the model gets to see.</summary>
    public const int MaxResultLength = 32 * 1024;

    private const int MaxAtOnce = 8;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>The calls' results, in the same order.</summary>
    public async Task<ToolOutput[]> RunAsync(IReadOnlyList<RequestedCall> calls, ToolSet tools, GatewayRequest request, CancellationToken cancellationToken)
    {
        using var slots = new SemaphoreSlim(MaxAtOnce);
        var results = await Task.WhenAll(calls.Select((call, index) => RunAsync(call, index, tools, request, slots, cancellationToken)));
        request.ToolTrace?.Add(results);
        return [.. results.Select(result => new ToolOutput(result.Text, result.IsError))];
    }

    private async Task<ToolCallResult> RunAsync(RequestedCall call, int index, ToolSet tools, GatewayRequest request, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        ToolOutput output;
        if (index >= MaxCalls)
        {
            output = ToolOutput.Error($"Too many calls at once: only the first {MaxCalls} were made.");
        }
        else
        {
            await slots.WaitAsync(cancellationToken);
            try
            {
                output = await InvokeAsync(call, tools, request, cancellationToken);
            }
            finally
            {
                slots.Release();
            }
        }

        return new ToolCallResult(call.Name, call.Arguments, Bound(output.Text), output.IsError, time.GetElapsedTime(started));
    }

    private async ValueTask<ToolOutput> InvokeAsync(RequestedCall call, ToolSet tools, GatewayRequest request, CancellationToken cancellationToken)
    {
        if (tools.Find(call.Name) is not { } tool)
        {
            return ToolOutput.Error($"There is no tool '{ShortName.Of(call.Name)}'. The tools are: {string.Join(", ", tools.Names)}.");
        }

        var left = request.TotalTimeout - time.GetElapsedTime(request.Tally.Started);
        if (left <= TimeSpan.Zero)
        {
            return ToolOutput.Error("The request's time is over.");
        }

        using var timeout = new CancellationTokenSource(left < Limit ? left : Limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var arguments = JsonDocument.Parse(call.Arguments, OpenAiJson.Reading);
            return arguments.RootElement.ValueKind == JsonValueKind.Object
                ? await tool.InvokeAsync(arguments.RootElement, request.Config, either.Token)
                : ToolOutput.Error("The arguments must be a JSON object.");
        }
        catch (JsonException)
        {
            return ToolOutput.Error("The arguments are not valid JSON.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ToolOutput.Error($"The tool '{tool.Name}' did not answer in time.");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.Failed(logger, exception, tool.Name);
            return ToolOutput.Error($"The tool '{tool.Name}' failed.");
        }
    }

    /// <summary>At most <see cref="MaxResultLength"/> characters, and valid Unicode.</summary>
    private static string Bound(string text)
    {
        if (text.Length <= MaxResultLength && !text.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
        {
            return text;
        }

        var bounded = new StringBuilder(Math.Min(text.Length, MaxResultLength + 64));
        foreach (var rune in text.EnumerateRunes())
        {
            if (bounded.Length + rune.Utf16SequenceLength > MaxResultLength)
            {
                return bounded.Append("\n[cut off: the result is longer]").ToString();
            }

            bounded.Append(rune.ToString());
        }

        return bounded.ToString();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 700, Level = LogLevel.Warning, Message = "The tool {Tool} failed")]
        public static partial void Failed(ILogger logger, Exception exception, string tool);
    }
}
