using System.Diagnostics;
using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>
/// Writes what a settled request did into its spans, one for the request and one for each attempt, by OpenTelemetry's conventions for
/// generative AI, and ends them. Spans hold what the log line holds: no message text, no key, no user.
/// </summary>
internal static class RequestTrace
{
    /// <summary>Ends the request's span and those of its attempts.</summary>
    /// <param name="tally">Whose spans they are.</param>
    /// <param name="record">What it did.</param>
    /// <param name="operation">What was asked for; null where the request was refused before that was known.</param>
    /// <param name="method">HTTP method.</param>
    /// <param name="time">The clock of the tally.</param>
    public static void End(RequestTally tally, RequestRecord record, Operation? operation, string method, TimeProvider time)
    {
        if (tally.Span is not { } span)
        {
            return;
        }

        if (span.Source.Name.Length > 0 && span.IsAllDataRequested)
        {
            // Oldest first; what is pushed after the request has been settled is neither in its record nor in its trace.
            foreach (var (attempt, closed) in tally.Attempts().Zip(record.Attempts))
            {
                if (attempt.Span is { } call)
                {
                    var started = span.StartTimeUtc + time.GetElapsedTime(tally.Started, attempt.Started);
                    call.SetStartTime(started);
                    Describe(call, attempt, closed, operation, record.IsStreaming ? closed.TimeToFirstToken : null);
                    call.SetEndTime(started + closed.Duration);
                    call.Stop();
                }
            }

            Describe(span, tally, record, operation, method);
            span.SetEndTime(span.StartTimeUtc + record.Duration);
        }

        span.Stop();
    }

    /// <summary>Ends the span of a request that leaves no record, so that nobody sees it: a stranger could fill a collector.</summary>
    public static void Discard(RequestTally tally)
    {
        if (tally.Span is { } span)
        {
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            span.Stop();
        }
    }

    private static void Describe(Activity span, RequestTally tally, RequestRecord record, Operation? operation, string method)
    {
        span.SetTag("http.request.method", method);
        span.SetTag("http.route", record.Endpoint);
        span.SetTag("http.response.status_code", record.Status);
        span.SetTag("llm_gateway.request_id", record.RequestId);
        span.SetTag("llm_gateway.key", record.Key);
        span.SetTag("llm_gateway.agent", record.Agent);
        span.SetTag("llm_gateway.strategy", record.Strategy);
        span.SetTag("llm_gateway.attempts", record.Attempts.Count);
        span.SetTag("llm_gateway.cost_usd", record.CostMicroUsd / 1_000_000d);
        if (operation is { } known)
        {
            span.SetTag(GenAi.Operation, GenAi.NameOf(known));
            span.SetTag(GenAi.IsStreaming, record.IsStreaming);
        }

        if ((tally.Answer ?? tally.LastAttempt) is { } answer)
        {
            span.SetTag(GenAi.Provider, GenAi.NameOf(answer.Target.Provider));
            span.SetTag(GenAi.RequestModel, record.Model);
        }

        Usage(span, record.Usage);
        if (record.TimeToFirstToken is { } first)
        {
            span.SetTag(GenAi.TimeToFirstToken, first.TotalSeconds);
        }

        if (record.FallbackReason != FailureReason.None)
        {
            span.SetTag("llm_gateway.fallback_reason", record.FallbackReason.ToName());
        }

        // A stream that broke off after its first token has been answered with 200, and yet it failed.
        var broken = record.Status < 400 && tally.Answer is { Outcome: not FailureReason.None } cut ? cut.Outcome : FailureReason.None;
        if (broken != FailureReason.None)
        {
            Fail(span, broken.ToName());
        }
        else if (record.Status >= 500)
        {
            Fail(span, record.Status.ToString(CultureInfo.InvariantCulture));
        }
        else if (record.Status >= 400)
        {
            // The client's own mistake, or it left: by the conventions no error of the server's.
            span.SetTag(GenAi.Error, record.Status.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void Describe(Activity span, AttemptTally attempt, AttemptRecord record, Operation? operation, TimeSpan? firstToken)
    {
        var name = operation is { } known ? GenAi.NameOf(known) : "attempt";
        span.DisplayName = $"{name} {record.Model}";
        span.SetTag(GenAi.Operation, name);
        span.SetTag(GenAi.Provider, GenAi.NameOf(attempt.Target.Provider));
        span.SetTag(GenAi.RequestModel, record.Model);
        span.SetTag("llm_gateway.provider", record.Provider);
        span.SetTag("llm_gateway.attempt.role", record.Role.ToName());
        span.SetTag("llm_gateway.attempt.usage_source", record.Source.ToName());
        if (attempt.Target.Provider.BaseUrl is { } url)
        {
            span.SetTag("server.address", url.Host);
            span.SetTag("server.port", url.Port);
        }

        if (record.Status != 0)
        {
            span.SetTag("http.response.status_code", record.Status);
        }

        Usage(span, record.Usage);
        if (firstToken is { } first)
        {
            span.SetTag(GenAi.TimeToFirstToken, first.TotalSeconds);
            span.AddEvent(new ActivityEvent("first_token", new DateTimeOffset(span.StartTimeUtc + first)));
        }

        if (record.Outcome == FailureReason.None)
        {
            span.SetTag(GenAi.ResponseModel, record.Model);
        }
        else
        {
            Fail(span, record.Outcome.ToName());
        }
    }

    private static void Usage(Activity span, in TokenUsage usage)
    {
        if (usage.Total == 0)
        {
            return;
        }

        span.SetTag("gen_ai.usage.input_tokens", usage.Input);
        span.SetTag("gen_ai.usage.output_tokens", usage.Output);
        if (usage.CachedInput > 0)
        {
            span.SetTag("gen_ai.usage.cache_read.input_tokens", usage.CachedInput);
        }

        if (usage.Reasoning > 0)
        {
            span.SetTag("gen_ai.usage.reasoning.output_tokens", usage.Reasoning);
        }
    }

    private static void Fail(Activity span, string type)
    {
        span.SetTag(GenAi.Error, type);
        span.SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>Names of OpenTelemetry's conventions for generative AI.</summary>
    private static class GenAi
    {
        public const string Operation = "gen_ai.operation.name";
        public const string Provider = "gen_ai.provider.name";
        public const string RequestModel = "gen_ai.request.model";
        public const string ResponseModel = "gen_ai.response.model";
        public const string IsStreaming = "gen_ai.request.stream";
        public const string TimeToFirstToken = "gen_ai.response.time_to_first_chunk";
        public const string Error = "error.type";

        public static string NameOf(Operation operation) => operation switch
        {
            Model.Operation.ChatCompletions => "chat",
            Model.Operation.Completions => "text_completion",
            Model.Operation.Embeddings => "embeddings",
            _ => "passthrough",
        };

        /// <summary>The conventions' name of the provider's API where they have one, else the configured name.</summary>
        public static string NameOf(ProviderConfig provider) => provider.Type switch
        {
            "anthropic" => "anthropic",
            "gemini" => "gcp.gemini",
            _ => provider.Name,
        };
    }
}
