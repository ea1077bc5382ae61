using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The demands of Anthropic's Messages API on <c>system</c> and <c>messages</c>: blocks, their order, and calls that meet their results.</summary>
internal static partial class AnthropicMessageRules
{
    public static IEnumerable<string> Problems(JsonElement body) => System(body).Concat(Turns(body)).Concat(ToolResults(body)).Concat(ThinkingOrder(body));

    private static IEnumerable<string> System(JsonElement body)
    {
        if (body.Get("system") is { } system && !((JsonElement?)system).Is(JsonValueKind.String, JsonValueKind.Array))
        {
            yield return "system: Input should be a string or a list of blocks";
        }

        foreach (var block in body.Get("system").Items())
        {
            if (!Is(block, "text") || !HasWords(block.Get("text")))
            {
                yield return "system: text content blocks must contain non-whitespace text";
            }
        }
    }

    private static IEnumerable<string> Turns(JsonElement body)
    {
        var turns = body.Get("messages").Items().ToList();
        if (turns.Count == 0)
        {
            yield return "messages: at least one message is required";
            yield break;
        }

        // Stricter than the real one, which merges turns of one role: the gateway has promised to do it itself.
        if (turns.Zip(turns.Skip(1)).Any(pair => pair.First.Get("role")?.ToString() == pair.Second.Get("role")?.ToString()))
        {
            yield return "messages: roles must alternate between \"user\" and \"assistant\"";
        }

        if (turns[0].Get("role")?.ToString() != "user")
        {
            yield return "messages: first message must use the \"user\" role";
        }

        if (turns[^1] is var last && last.Get("role")?.ToString() == "assistant" && LastText(last) is { } prefill && prefill != prefill.TrimEnd())
        {
            yield return "messages: final assistant content cannot end with trailing whitespace";
        }

        foreach (var turn in turns)
        {
            foreach (var problem in Turn(turn))
            {
                yield return problem;
            }
        }
    }

    private static IEnumerable<string> Turn(JsonElement turn)
    {
        var role = turn.Get("role")?.ToString();
        if (role is not ("user" or "assistant") || turn.UnknownMembers("role", "content").Any())
        {
            yield return "messages: Unexpected role, or extra inputs";
        }

        if (!HasWords(turn.Get("content")) && !turn.Get("content").Items().Any())
        {
            yield return "messages: all messages must have non-empty content";
        }

        foreach (var block in turn.Get("content").Items())
        {
            if (BlockProblem(block, role) is { } problem)
            {
                yield return problem;
            }
        }
    }

    private static string? BlockProblem(JsonElement block, string? role) => block.Get("type")?.ToString() switch
    {
        "text" => HasWords(block.Get("text")) && !Extra(block, "text") ? null : "text content blocks must contain non-whitespace text",
        "tool_use" when role == "assistant" => IsId(block.Get("id")) && block.Get("name").IsText() && block.Get("input").Is(JsonValueKind.Object) && !Extra(block, "id", "name", "input")
            ? null
            : "tool_use: id should match ^[a-zA-Z0-9_-]+$, input should be a valid dictionary",
        "tool_result" when role == "user" => IsId(block.Get("tool_use_id")) && !Extra(block, "tool_use_id", "content", "is_error")
            ? block.Get("content").Items().Select(inner => BlockProblem(inner, null)).FirstOrDefault(problem => problem is not null)
            : "tool_result.tool_use_id: Field required",
        "image" when role != "assistant" => Source(block, "base64", "url") && !Extra(block, "source") ? null : "image.source: Input tag not found",
        "document" when role != "assistant" => Source(block, "base64", "url", "text") && !Extra(block, "source", "title", "context", "citations") ? null : "document.source: Input tag not found",
        "thinking" when role == "assistant" => block.Get("signature").IsText() && block.Get("thinking").Is(JsonValueKind.String) ? null : "thinking.signature: Field required",
        "redacted_thinking" when role == "assistant" => block.Get("data").IsText() ? null : "redacted_thinking.data: Field required",
        var type => $"content: Input tag '{type}' not found",
    };

    /// <summary>Every tool use is answered once, at the head of the very next message, and no result comes unasked.</summary>
    private static IEnumerable<string> ToolResults(JsonElement body)
    {
        List<string> open = [];
        var all = new HashSet<string>(StringComparer.Ordinal);
        foreach (var turn in body.Get("messages").Items())
        {
            var blocks = turn.Get("content").Items().ToList();
            var results = blocks.TakeWhile(block => Is(block, "tool_result")).Select(block => block.Get("tool_use_id").ToString() ?? "").ToList();
            if (blocks.Count(block => Is(block, "tool_result")) != results.Count)
            {
                yield return "tool_result blocks must come first";
            }

            if (open.Except(results).Any())
            {
                yield return "`tool_use` ids were found without `tool_result` blocks immediately after";
            }

            if (results.Except(open).Any() || results.Distinct().Count() != results.Count)
            {
                yield return "unexpected `tool_use_id` found in `tool_result` blocks";
            }

            open = [.. blocks.Where(block => Is(block, "tool_use")).Select(block => block.Get("id").ToString() ?? "")];
            if (open.Any(id => !all.Add(id)))
            {
                yield return "`tool_use` ids must be unique";
            }
        }

        if (open.Count > 0)
        {
            yield return "`tool_use` ids were found without `tool_result` blocks immediately after";
        }
    }

    /// <summary>With a budget for thinking, the turn whose tool results are being brought starts with what was thought before.</summary>
    private static IEnumerable<string> ThinkingOrder(JsonElement body)
    {
        var turns = body.Get("messages").Items().ToList();
        if (body.Get("thinking").GetValueOrDefault().Get("type")?.ToString() != "enabled" || turns.Count < 2 || !turns[^1].Get("content").Items().Any(block => Is(block, "tool_result")))
        {
            yield break;
        }

        var first = turns[^2].Get("content").Items().FirstOrDefault();
        if (!Is(first, "thinking") && !Is(first, "redacted_thinking"))
        {
            yield return "messages: Expected `thinking` or `redacted_thinking`, but found `tool_use`";
        }
    }

    private static bool Source(JsonElement block, params string[] types) =>
        block.Get("source") is { } source && types.Contains(source.Get("type")?.ToString()) && (source.Get("url").IsText() || source.Get("data").IsText());

    private static bool Extra(JsonElement block, params string[] known) => block.UnknownMembers([.. known, "type", "cache_control"]).Any();

    private static string? LastText(JsonElement turn) => turn.Get("content").Is(JsonValueKind.String)
        ? turn.Get("content").ToString()
        : turn.Get("content").Items().LastOrDefault().Get("text")?.ToString();

    private static bool HasWords(JsonElement? text) => text.Is(JsonValueKind.String) && !string.IsNullOrWhiteSpace(text!.Value.GetString());

    private static bool IsId(JsonElement? id) => id.IsText() && AllowedId().IsMatch(id!.Value.GetString()!);

    private static bool Is(JsonElement block, string type) => block.Get("type")?.ToString() == type;

    [GeneratedRegex("^[a-zA-Z0-9_-]+$")]
    private static partial Regex AllowedId();
}
