using System.Data.Common;

namespace LlmGateway.Database;

/// <summary>What ADO.NET leaves to be written out for each parameter.</summary>
internal static class DbCommands
{
    public static void Add(this DbCommand command, string name, object value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value);
        command.Parameters.Add(parameter);
    }
}
