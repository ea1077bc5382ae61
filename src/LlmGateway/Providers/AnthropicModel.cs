using System.Globalization;

namespace LlmGateway.Providers;

/// <summary>
/// What a model takes, told from its name: sampling until Claude Opus 4.6, thinking with a budget from 3.7, by effort from 4.6. The one place
/// to change when a generation comes. A name that is no Claude's (servers that speak Anthropic's form) is taken to accept what older ones do.
/// </summary>
internal readonly record struct AnthropicModel
{
    private const int NoClaude = 0;
    private const int Newest = int.MaxValue;

    private readonly int _version;

    private AnthropicModel(int version) => _version = version;

    /// <summary>Whether <c>temperature</c>, <c>top_p</c> and <c>top_k</c> may be set at all.</summary>
    public bool TakesSampling => _version <= 406;

    /// <summary>Whether <c>temperature</c> and <c>top_p</c> may be set together.</summary>
    public bool TakesTemperatureWithTopP => _version < 401;

    /// <summary>Whether <c>output_config.format</c> is known.</summary>
    public bool TakesSchema => _version >= 401;

    public bool Thinks => _version is NoClaude or >= 307;

    /// <summary>Whether thinking is steered by effort, not by a number of tokens.</summary>
    public bool ThinksByEffort => _version >= 406;

    /// <summary>Whether the effort <c>xhigh</c> is known.</summary>
    public bool KnowsExtraHigh => _version >= 407;

    /// <summary>Reads names such as <c>claude-3-7-sonnet-20250219</c>, <c>claude-sonnet-4-5</c> and <c>anthropic.claude-opus-4-1-20250805-v1:0</c>.</summary>
    public static AnthropicModel Of(string name)
    {
        var start = name.IndexOf("claude", StringComparison.OrdinalIgnoreCase);
        if (start < 0)
        {
            return new AnthropicModel(NoClaude);
        }

        int? major = null;
        foreach (var part in name[start..].Split('-', '.', '@', ':', '_'))
        {
            // A date has eight digits, a version at most two.
            var isVersion = part.Length <= 2 && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _);
            if (major is { } known)
            {
                return new AnthropicModel((known * 100) + (isVersion ? int.Parse(part, CultureInfo.InvariantCulture) : 0));
            }

            major = isVersion ? int.Parse(part, CultureInfo.InvariantCulture) : null;
        }

        return new AnthropicModel(major * 100 ?? Newest);
    }
}
