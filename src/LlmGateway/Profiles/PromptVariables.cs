using System.Text.RegularExpressions;
using LlmGateway.Model;

namespace LlmGateway.Profiles;

/// <summary>Puts values in the place of <c>{{name}}</c> in a profile's system prompt: literal text, in one pass. A name without a value stays as it stands.</summary>
internal static partial class PromptVariables
{
    public static AgentProfile Fill(AgentProfile profile, IReadOnlyDictionary<string, string> variables) =>
        variables.Count == 0 || profile.SystemPrompt is not { } prompt
            ? profile
            : profile with { SystemPrompt = Placeholder().Replace(prompt, match => variables.GetValueOrDefault(match.Groups["name"].Value, match.Value)) };

    [GeneratedRegex(@"\{\{\s*(?<name>[A-Za-z_][A-Za-z0-9_.-]{0,63})\s*\}\}", RegexOptions.CultureInvariant)]
    private static partial Regex Placeholder();
}
