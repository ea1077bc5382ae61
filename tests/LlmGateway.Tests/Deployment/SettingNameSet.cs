using System.Reflection;
using LlmGateway.Configuration;

namespace LlmGateway.Tests.Deployment;

/// <summary>Every variable that the gateway knows by name.</summary>
internal static class SettingNameSet
{
    public static IReadOnlySet<string> All { get; } =
        typeof(SettingNames).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!).ToHashSet(StringComparer.Ordinal);
}
