using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Forwarding;

/// <summary>The headers by which an answer says who answered it and how (contract: response headers).</summary>
internal static class GatewayHeaders
{
    public static void Add(IHeaderDictionary headers, GatewayRequest request)
    {
        var tally = request.Tally;
        headers.CacheControl = "no-store";
        headers["x-llm-agent"] = request.Profile.Name;
        headers["x-llm-attempts"] = tally.AttemptCount == 1 ? "1" : tally.AttemptCount.ToString(CultureInfo.InvariantCulture);
        headers["x-llm-cache"] = tally.Cache switch
        {
            CacheOutcome.Hit => "hit",
            CacheOutcome.Miss => "miss",
            _ => "bypass",
        };
        if ((tally.Cached?.Target ?? (tally.Answer ?? tally.LastAttempt)?.Target) is { } target)
        {
            headers["x-llm-provider"] = target.Provider.Name;
            headers["x-llm-model"] = Printable(target.Model);
        }

        if (tally.FallbackReason is not FailureReason.None and var reason)
        {
            headers["x-llm-fallback-reason"] = reason.ToName();
        }

        var total = TimeProvider.System.GetElapsedTime(tally.Started);
        var own = Math.Max(0, (total - tally.ProviderWait).TotalMilliseconds);
        headers["Server-Timing"] = string.Create(CultureInfo.InvariantCulture, $"gateway;dur={own:0.###}, provider;dur={tally.ProviderWait.TotalMilliseconds:0.###}");
    }

    /// <summary>The same for a call that is passed on: its model is known only from the answer's body.</summary>
    public static void AddPassedOn(IHeaderDictionary headers, PassthroughCall call)
    {
        headers.CacheControl = "no-store";
        headers["x-llm-agent"] = call.Request.Profile.Name;
        headers["x-llm-attempts"] = "1";
        headers["x-llm-cache"] = "bypass";
        headers["x-llm-provider"] = call.Target.Provider.Name;
        var wait = TimeProvider.System.GetElapsedTime(call.Started, call.Answered);
        var own = Math.Max(0, (TimeProvider.System.GetElapsedTime(call.Request.Tally.Started) - wait).TotalMilliseconds);
        headers["Server-Timing"] = string.Create(CultureInfo.InvariantCulture, $"gateway;dur={own:0.###}, provider;dur={wait.TotalMilliseconds:0.###}");
    }

    // A model's name can come from the client; a header holds printable ASCII alone.
    private static string Printable(string model) =>
        model.AsSpan().ContainsAnyExceptInRange(' ', '~') || model.Length > 128 ? "other" : model;
}
