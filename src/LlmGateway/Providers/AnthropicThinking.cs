using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>What <c>reasoning_effort</c> comes to: nothing said, thinking switched off, or switched on with an effort or a budget of tokens.</summary>
/// <param name="IsOff">Switched off in so many words.</param>
/// <param name="Effort">The effort, where the model is steered by one.</param>
/// <param name="Budget">Tokens that thinking may take; 0 where it is not switched on.</param>
internal readonly record struct AnthropicThinking(bool IsOff, string? Effort, long Budget)
{
    /// <summary>The limit where neither request nor profile has one: the provider wants one always.</summary>
    public const long DefaultMaxTokens = 4096;

    private const long LeastBudget = 1024;

    public static AnthropicThinking Unset => default;

    public static AnthropicThinking Off => new(true, null, 0);

    public bool IsOn => Budget > 0;

    /// <summary>Switched on as far as the effort says.</summary>
    public static AnthropicThinking On(string effort, AnthropicModel model)
    {
        var (name, budget) = effort switch
        {
            "minimal" or "low" => ("low", LeastBudget),
            "medium" => ("medium", 4096L),
            "high" => ("high", 16_384L),
            "xhigh" => (model.KnowsExtraHigh ? "xhigh" : "high", 24_576L),
            _ => ("max", 24_576L),
        };
        return new AnthropicThinking(false, model.ThinksByEffort ? name : null, budget);
    }

    public static bool IsKnownEffort(string effort) => effort is "none" or "minimal" or "low" or "medium" or "high" or "xhigh" or "max";

    /// <summary>
    /// The limit to send, with a budget that fits under it: thinking counts against the limit, so half is left for the answer. A limit that has
    /// no room for the least budget is raised by it.
    /// </summary>
    public (long MaxTokens, AnthropicThinking Thinking) Within(long? limit)
    {
        if (!IsOn)
        {
            return (limit ?? DefaultMaxTokens, this);
        }

        if (limit is not { } asked)
        {
            return (DefaultMaxTokens + Budget, this);
        }

        if (Effort is not null)
        {
            return (asked, this);
        }

        var fitting = Math.Max(LeastBudget, Math.Min(Budget, asked / 2));
        return (asked > fitting ? asked : asked + fitting, this with { Budget = fitting });
    }

    public void Write(Utf8JsonWriter writer)
    {
        if (!IsOff && !IsOn)
        {
            return;
        }

        writer.WriteStartObject("thinking"u8);
        writer.WriteString("type"u8, IsOff ? "disabled"u8 : Effort is null ? "enabled"u8 : "adaptive"u8);
        if (IsOn && Effort is null)
        {
            writer.WriteNumber("budget_tokens"u8, Budget);
        }

        writer.WriteEndObject();
    }
}
